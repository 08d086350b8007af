"""Numbers as people write them: with a currency, a unit, marks between thousands, a minus behind or in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MINUS = r"[+\-\u2212\u2012\u2013]"
_MONEY = r"[$€£¥₹₽₩₺₪฿₫₴₦]"  # not any sign: #12 is a name
_GROUPED = r"\d{1,3}(?:[ .,'\u2019_\u00a0\u202f]\d{3})+"
_DIGITS = rf"(?:{_GROUPED}|\d+)?(?:[.,]\d+)?(?:[eE]{_MINUS}?\d{{1,3}})?"
_BEFORE = rf"(?:{_MONEY}|[A-Z]{{3}}\s|~|≈|<|>|≤|≥)"
_UNIT = rf"(?:{_MONEY}|[%‰°]|[^\W\d_]{{1,4}}[²³]?(?:/[^\W\d_]{{1,4}}[²³]?)?|°[CF])"
_NUMBER = re.compile(
    rf"\(?{_MINUS}?\s*{_BEFORE}?\s*{_MINUS}?(?=[.,]?\d){_DIGITS}\s*(?P<unit>{_UNIT})?\s*{_MINUS}?\s*\)?"
)
_THOUSANDS = re.compile(rf"{_MINUS}?{_GROUPED}(?:[.,]\d+)?")
_UNITS = 3  # of one column; of more, letters behind digits are codes such as 12B


def written_number(text: str) -> bool:
    """Whether *text*, without blanks around it, is a number as people write them."""
    return _NUMBER.fullmatch(text) is not None


def grouped_number(text: str) -> bool:
    """Whether *text* is a number with marks between thousands."""
    return _THOUSANDS.fullmatch(text) is not None


def of_one_unit(texts: Iterable[str]) -> bool:
    """Whether written numbers among *texts* have a few units at most, and are no codes such as 12B."""
    found = (_NUMBER.fullmatch(text) for text in texts)
    return len({each["unit"] for each in found if each is not None}) <= _UNITS
