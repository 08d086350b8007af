"""Colours by name: Okabe and Ito's palette, told apart by people who see few colours, made readable on white.

`page.css` has the same values, and others for dark; pages name them, pictures that stand alone take these.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "back": "#ffffff",
    "ink": "#1b1f24",
    "quiet": "#57606a",
    "rule": "#d8dee4",
    "blue": "#0072b2",
    "sky": "#2f8fcb",
    "vermillion": "#d55e00",
    "green": "#009e73",
    "purple": "#b8629a",
    "orange": "#c98a00",
    "yellow": "#9a8b00",
    "grey": "#70777f",
}
# Of series that have no colour of their own.
IN_TURN: Final = (
    "vermillion",
    "grey",
    "blue",
    "green",
    "purple",
    "orange",
)
