"""The hashes of holdout.py as the engine computes them: Ibis expressions over a text column of ids.

Apart from the Python half, since a training process needs that one alone and starts quicker without Ibis.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..holdout import DIGITS, HOLDOUT_SALT, bound


def _md5(text: str) -> str:  # type: ignore[empty-body]  # the engine's own function of that name
    ...


_md5.__name__ = "md5"
md5 = ibis.udf.scalar.builtin(_md5)


def is_holdout(row_id: ir.StringValue, share: float) -> ir.BooleanValue:
    """`in_holdout` as an Ibis expression over a text column."""
    return hashed(HOLDOUT_SALT, row_id).substr(0, DIGITS) < bound(share)


def hashed(salt: str, row_id: ir.StringValue) -> ir.StringValue:
    """md5(salt || id) as an Ibis expression: 32 hexadecimal digits."""
    return md5(ibis.literal(salt) + row_id)


def hash_number(row_id: ir.StringValue) -> ir.IntegerValue:
    """The first 32 bits of md5(id) as an Ibis integer expression.

    Engines disagree on how hexadecimal text becomes a number, so each digit is looked up by itself; floats
    hold 32 bits exactly, where a product of PostgreSQL's positions (int4) would overflow.
    """
    digest = md5(row_id)
    digits = ibis.literal("0123456789abcdef")
    places = [digits.find(digest.substr(i, 1)) * 16.0 ** (DIGITS - 1 - i) for i in range(DIGITS)]
    return sum(places[1:], places[0]).cast("int64")
