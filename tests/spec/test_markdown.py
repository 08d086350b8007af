"""Texts from data and people within Markdown read as they are, and draw nothing of their own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ratoon.spec.markdown import as_code, in_markdown, link, visible

HOSTILE = {
    "a link": "[click](http://evil.example)",
    "a link by reference": "[click]: http://evil.example",
    "an image": "![x](http://evil.example/pixel.png)",
    "an address": "see http://evil.example/x for more",
    "an address in brackets": "<https://evil.example>",
    "a name of the web": "www.evil.example/x",
    "HTML": "<img src=x onerror=alert(1)>",
    "a script": "</td><script>alert(1)</script>",
    "a comment": "<!-- the rest is gone",
    "a table's border": "a | b || c",
    "an escaped border": r"a \| b",
    "a heading": "fine\n\n# Approved by the gate",
    "a heading at the beginning": "# Approved",
    "an underlined heading": "Approved\n===",
    "a list": "x\n- approve\n- reject",
    "a numbered list": "1. approve",
    "a quotation": "> said by Ratoon",
    "a rule": "---",
    "a fence": "```\ncode",
    "another fence": "~~~html\n<b>",
    "emphasis": "**passed** *all* __of it__ _so_",
    "struck": "~~refused~~",
    "code that does not end": "a ` b",
    "a link in code that ends early": "`x` [a](http://evil.example) `y",
    "code of two marks": "`` a ` [b](http://evil.example) ``",
    "an escaped link": r"\[a](http://evil.example)",
    "an escaped backslash": r"\\[a](http://evil.example)",
    "an entity": "&lt;script&gt; &#60;b&#62;",
    "a terminal": "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\ \x1b[2J \x9b31m",
    "another direction": "abc\u202edetorp\u202c",
    "another end of line": "a\u2028# b\x85# c\r# d\x0b# e",
    "a backslash at the end": "a\\",
}
DRAWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})
LINKIFY = re.compile(r"https?://|www\.", re.IGNORECASE)  # what Showdown and marked take for an address


def tags(markdown: str) -> list[str]:
    """What is drawn beside text: the names of the tags, in order."""
    return re.findall(r"<(/?[a-z0-9]+)", DRAWN.render(markdown))


def words(markdown: str) -> str:
    return "".join(each.content for each in DRAWN.parseInline(markdown)[0].children or ())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_is_drawn_but_text(text: str) -> None:
    """In a paragraph, in an item, in a table's cell, in a quotation; code in backticks may stay code."""
    safe = in_markdown(text)
    own = {"code", "/code"}
    assert set(tags(f"said: {safe}")) <= {"p", "/p"} | own
    assert set(tags(safe)) <= {"p", "/p"} | own
    assert set(tags(f"- {safe}")) <= {"ul", "li", "/li", "/ul"} | own
    assert set(tags(f"> {safe}")) <= {"blockquote", "p", "/p", "/blockquote"} | own
    table = tags(f"| a | b |\n|---|---|\n| {safe} | last |")
    assert [each for each in table if each not in own] == tags("| a | b |\n|---|---|\n| x | last |")
    assert not LINKIFY.search(safe)
    assert "<" not in re.sub(r"`[^`]*`", "", safe)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_reader_sees_what_was_written(text: str) -> None:
    """Nothing is lost by it but ends of lines and what steers."""
    assert words(in_markdown(text)).replace("`", "").strip() == visible(text).replace("`", "").strip()


@pytest.mark.parametrize(
    "text",
    [
        "rule `gain.pays` does not hold: drift_share is 0, threshold 0.3",
        "harm: auc 0.61 (0.58 to 0.64) < 0.70, at least 0.05 worse than 0.7 - 0.02",
        'condition `triage == "harm" && labels.new > 200`; run `ratoon promote /srv/x y/spec.yaml`',
        "v3 was made champion by eva@example.com (no gate passed it)!",
        "-0.02 or +3 %",
    ],
)
def test_ordinary_sentences_are_drawn_as_they_are_written(text: str) -> None:
    kept = in_markdown(text)
    assert kept.replace("&lt;", "<") == text


@given(st.text(alphabet=st.sampled_from("`[]()<>|!*_~#-\\ \n:/w.ah&;=1"), max_size=30))
def test_no_combination_of_marks_draws_a_link_or_a_tag(text: str) -> None:
    drawn = set(tags(f"| a |\n|---|\n| x {in_markdown(text)} |"))
    assert not drawn & {"a", "img", "h1", "h2", "strong", "em", "s", "hr", "b", "w", "h"}
    assert "\n" not in in_markdown(text)


@pytest.mark.parametrize("text", [*HOSTILE.values(), "a `b` c", "| `|`"])
def test_code_ends_where_it_ends(text: str) -> None:
    cells = [each for each in tags(f"| a |\n|---|\n| {as_code(text)} |") if each not in ("code", "/code")]
    assert cells == tags("| a |\n|---|\n| x |")
    assert as_code(text).count("`") == 2


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "http://a b", "file:///etc", "http://x|y", ""]
)
def test_a_link_leads_into_the_web_only(address: str) -> None:
    assert "a" not in tags(link("words", address))


def test_a_link_ends_where_its_address_ends() -> None:
    drawn = link("a] (b) [c", "http://mlflow:5000/#/models/x(1)")
    assert tags(drawn) == ["p", "a", "/a", "/p"]
