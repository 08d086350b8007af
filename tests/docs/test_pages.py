"""What the pages show is true: specs fit the schema, code parses, commands exist, the site builds without a fault."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from blocks import DOCS, PAGES, blocks, named

from ratoon.cli.main import app
from ratoon.spec.model import Spec

WHOLE: dict[str, Any] = {
    "model": "m",
    "task": "binary",
    "data": {"source": "d.parquet", "id": "i", "time": "t", "target": "y"},
    "learner": {"build": "training.py:build"},
}
PARTS = set(Spec.model_fields)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_piece_of_a_spec_fits_the_schema(page: Path) -> None:
    """A piece stands for itself: what it leaves out is filled in."""
    for block in blocks(page):
        if block.kind != "yaml":
            continue
        piece = yaml.safe_load(block.text)
        assert set(piece) <= PARTS, f"{named(page)}: {set(piece) - PARTS} is no part of a spec"
        Spec.model_validate({**WHOLE, **piece})


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_piece_of_python_parses(page: Path) -> None:
    for block in blocks(page):
        if block.kind == "python":
            ast.parse(block.text)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"])
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    """The pages of the site are checked by its build; these stand outside it."""
    here = DOCS.parent / page
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", here.read_text(encoding="utf-8")):
        assert (here.parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", [*PAGES, DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_every_command_of_the_pages_exists_with_its_options(page: Path) -> None:
    for block in blocks(page):
        if block.kind not in ("console", "bash"):
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words[:1] in (["ratoon"], [".venv/bin/ratoon"]):
                _exists(words[1:], named(page) if page.is_relative_to(DOCS) else page.name)


def _exists(words: list[str], where: str) -> None:
    from typer.main import get_command

    command: Any = get_command(app)
    rest = list(words)
    while hasattr(command, "commands"):
        assert rest and rest[0] in command.commands, f"{where}: there is no command `ratoon {' '.join(words)}`"
        command = command.commands[rest.pop(0)]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    for word in rest:
        if word.startswith("--"):
            assert word in known, f"{where}: `ratoon {' '.join(words)}` has no option {word}"


def test_the_site_builds_strictly_and_asks_no_other_machine(tmp_path: Path) -> None:
    """Links and anchors hold, and no page loads a font, script or picture from elsewhere."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=DOCS.parent, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert {"tutorial.html", "spec.html", "commands.html", "events.html"} <= {page.name for page in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'(?:src|<link[^>]+href)="(?:https?:)?//[^"]+', text), page
    spec = (tmp_path / "site" / "reference" / "spec.html").read_text(encoding="utf-8")
    assert all(f"<code>{key}</code>" in spec for key in (*PARTS, "min_labels", "if_small", "holdout"))


def test_the_reference_explains_every_key_of_the_spec_and_every_option() -> None:
    """No row ends with an empty meaning."""
    sys.path.insert(0, str(DOCS / "hooks"))
    try:
        from reference import pages
    finally:
        sys.path.pop(0)
    made = pages()
    for name in ("spec", "commands", "variables", "settings", "events"):
        for row in made[name].splitlines():
            if row.startswith("| `"):
                assert not row.endswith("|  |"), f"{name}: {row}"
                assert "``" not in row and "{'" not in row, f"{name} shows a value as a program would: {row}"
