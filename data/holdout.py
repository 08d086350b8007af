"""Which rows no version ever learns, and in which order rows are sampled: both by md5 of the row's id.

DuckDB and PostgreSQL compute the hash themselves (hashed.py), Python mirrors it here, so that a row falls on
the same side wherever it is asked for. Hashes are compared as lower-case hexadecimal text, which every collation
orders alike. md5 is no protection here, only an even spread; the two salts make sample and holdout independent of
each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

HOLDOUT_SALT = "holdout:"
SAMPLE_SALT = "sample:"
DIGITS = 8  # hexadecimal digits compared: 32 bits


def in_holdout(row_id: str, share: float) -> bool:
    """Whether the row is held out; *share* in [0, 1) is the share of rows that are."""
    return _digest(HOLDOUT_SALT, row_id)[:DIGITS] < bound(share)


def sample_key(row_id: str) -> str:
    """Rows are sampled in the order of this key: the same window gives the same sample."""
    return _digest(SAMPLE_SALT, row_id)


def fingerprint(row_ids: Iterable[str]) -> int:
    """An order-independent fingerprint: the sum of the first 32 bits of md5(id), modulo 2**61."""
    return sum(int(_digest("", each)[:DIGITS], 16) for each in row_ids) % 2**61


def _digest(salt: str, row_id: str) -> str:
    return hashlib.md5(f"{salt}{row_id}".encode(), usedforsecurity=False).hexdigest()


def bound(share: float) -> str:
    """What the first digits of a held-out row's hash lie below."""
    return f"{round(share * 16**DIGITS):0{DIGITS}x}"
