"""What commands print is text: no value of data, no reason and no error colours, links or steers."""

from __future__ import annotations

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from ratoon.cli.commands import backtest as backtesting
from ratoon.cli.commands import fleet
from ratoon.cli.commands.finding import Finding
from ratoon.cli.terminal import Terminal, marked
from ratoon.cli.views import json_output, projects, words

HOSTILE = {
    "a colour": "[red]passed[/red]",
    "a link": "[link=http://evil.example]click[/link]",
    "an end without beginning": "a[/] [/red] b",
    "an event": "[@click=app.bell]x[/]",
    "an escaped bracket": r"\[red]x\[/]",
    "a backslash at the end": "C:\\",
    "a smiley": ":smiley: :warning:",
    "braces": "{0} {} {evil!r}",
    "a list": "['a', 'b'] expected [1, 2]",
}
STEERING = {
    "colour": "\x1b[31mred\x1b[0m",
    "a title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\",
    "a cleared screen": "\x1bc\x1b[2J",
    "a line that is written over": "refused\rpassed\x08\x08",
    "eight bits": "\x9b31m",
    "a direction": "\u202eyako",
    "half a pair": "\udc80",
}


def printed(write: object, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> str:
    """What a command's function writes to a terminal with colours."""
    to = io.StringIO()
    terminal = Terminal(file=to, force_terminal=True, color_system="truecolor", width=500)
    for module in (words, projects, json_output, fleet, backtesting):
        monkeypatch.setattr(module, "out", terminal)
    write(*arguments)  # type: ignore[operator]
    return to.getvalue()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_printed_as_it_is_written(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    for write in (
        lambda: words.out.print(text),
        lambda: words.out.print(table),
        lambda: words.out.print(marked("[bold]{}[/]", text)),
        lambda: words.out.print("{}", text),
        lambda: projects.findings([Finding("warn", text, text)]),
        lambda: words.item(text),
    ):
        said = Text.from_ansi(printed(write, monkeypatch)).plain
        assert text in said


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)
def test_nothing_steers_the_terminal(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("a")
    table.add_row(text)
    for write in (
        lambda: words.out.print(text, highlight=False),
        lambda: words.out.print(Text(text)),
        lambda: words.out.print(table),
        lambda: words.out.print(marked("{}", text), highlight=False),
        lambda: words.item(text),
    ):
        said = printed(write, monkeypatch)
        signs = set(said.replace("\x1b[1m", "").replace("\x1b[0m", "")) - {"\n"}
        assert not {sign for sign in signs if sign < " " or "\x7f" <= sign <= "\x9f"}, said
        assert not signs & {"\u202e", "\udc80"}


def test_our_own_colours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed(lambda: projects.findings([Finding("fail", "data", "x")]), monkeypatch)
    assert "\x1b[31mfail\x1b[0m" in said and "\x1b[1mdata\x1b[0m" in said


@pytest.mark.parametrize("text", [*HOSTILE.values(), *list(STEERING.values())[:4]])
def test_json_for_programs_holds_every_sign(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed(lambda: json_output.print_each([Finding("ok", "data", text)]), monkeypatch)
    assert json.loads(Text.from_ansi(said).plain)[0]["text"] == text


def test_every_command_writes_by_such_a_terminal() -> None:
    """A console of Rich's own would take markup from whatever is printed."""
    from importlib import import_module
    from pkgutil import walk_packages

    import ratoon.cli

    names = [each.name for each in walk_packages(ratoon.cli.__path__, "ratoon.cli.") if "starter" not in each.name]
    assert "ratoon.cli.views.decisions" in names
    for name in names:
        if name != "ratoon.cli.terminal":
            assert not hasattr(import_module(name), "Console"), name
