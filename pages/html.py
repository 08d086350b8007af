"""One HTML file with all it needs inside: its template, our own files in it, and how it is written."""

from __future__ import annotations

import errno
import secrets
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from . import charts
from .charts.marks import glyph, shape


def template(package: str | None, name: str) -> Template:
    """The template *name* among the files of *package*; every text that it is given is escaped.

    It may import `charts.html.jinja` of `pages/charts/`, and draw marks by `glyph` and `shape`.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda shared: _text(charts.__name__, shared)),
    )
    environment.globals.update(glyph=glyph, shape=shape)
    return environment.from_string(_text(package, name))


def own(name: str, package: str | None = __package__) -> Markup:
    """A style or script of ours, as it is."""
    return Markup(_text(package, name))  # noqa: S704  our own file


def charts_file(name: str) -> Markup:
    """A style or script that all charts share, as it is."""
    return own(name, charts.__name__)


def write(html: str, file: Path) -> None:
    """Write the page, whole or not at all; its folder is made.

    Raises FileExistsError as `refuse_other`, and OSError where it cannot be written; then nothing is left of it.
    """
    refuse_other(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name[:100]}.{secrets.token_hex(8)}.half")
    try:
        with half.open("x", encoding="utf-8") as opened:  # new: nobody's link in a folder that users share
            opened.write(html)
        half.replace(file)
    except OSError:
        half.unlink(missing_ok=True)
        raise


def refuse_other(file: Path) -> None:
    """Raises FileExistsError where *file* is there and is no page: a spec, data, a device."""
    if not file.exists():
        return
    page = False
    if file.is_file():
        with file.open("rb") as opened:
            page = opened.read(200).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    if not page:
        raise FileExistsError(errno.EEXIST, "it is there and is no page; expected a new name, or an earlier page's")


def _text(package: str | None, name: str) -> str:
    return files(package or "").joinpath(name).read_text(encoding="utf-8")
