"""Which rows no version ever learns, and in which order rows are sampled: both by md5 of the row's id.

DuckDB and PostgreSQL compute the hash themselves (`hashed`, `is_holdout`), Python mirrors it
(`in_holdout`, `sample_key`), so that a row falls on the same side wherever it is asked for. Hashes are
compared as lower-case hexadecimal text, which every collation orders alike. md5 is no protection
here, only an even spread; the two salts make sample and holdout independent of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import ibis

HOLDOUT_SALT = "holdout:"
SAMPLE_SALT = "sample:"
_DIGITS = 8  # hexadecimal digits compared: 32 bits


def _md5(text: str) -> str:  # type: ignore[empty-body]  # the engine's own function of that name
    ...


_md5.__name__ = "md5"
md5 = ibis.udf.scalar.builtin(_md5)


def in_holdout(row_id: str, share: float) -> bool:
    """Whether the row is held out; *share* in [0, 1) is the share of rows that are."""
    return _digest(HOLDOUT_SALT, row_id)[:_DIGITS] < _bound(share)


def sample_key(row_id: str) -> str:
    """Rows are sampled in the order of this key: the same window gives the same sample."""
    return _digest(SAMPLE_SALT, row_id)


def fingerprint(row_ids: Iterable[str]) -> int:
    """An order-independent fingerprint: the sum of the first 32 bits of md5(id), modulo 2**61."""
    return sum(int(_digest("", each)[:_DIGITS], 16) for each in row_ids) % 2**61


def is_holdout(row_id: Any, share: float) -> Any:
    """`in_holdout` as an Ibis expression over a text column."""
    return hashed(HOLDOUT_SALT, row_id).substr(0, _DIGITS) < _bound(share)


def hashed(salt: str, row_id: Any) -> Any:
    """md5(salt || id) as an Ibis expression: 32 hexadecimal digits."""
    return md5(ibis.literal(salt) + row_id)


def hash_number(row_id: Any) -> Any:
    """The first 32 bits of md5(id) as an Ibis integer expression.

    Engines disagree on how hexadecimal text becomes a number, so each digit is looked up by itself; floats
    hold 32 bits exactly, where a product of PostgreSQL's positions (int4) would overflow.
    """
    digest = md5(row_id)
    digits = ibis.literal("0123456789abcdef")
    places = [digits.find(digest.substr(i, 1)) * 16.0 ** (_DIGITS - 1 - i) for i in range(_DIGITS)]
    return sum(places[1:], places[0]).cast("int64")


def _digest(salt: str, row_id: str) -> str:
    return hashlib.md5(f"{salt}{row_id}".encode(), usedforsecurity=False).hexdigest()


def _bound(share: float) -> str:
    return f"{round(share * 16**_DIGITS):0{_DIGITS}x}"
