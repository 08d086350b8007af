"""Which version each replica served, and since when."""

from __future__ import annotations

from datetime import timedelta

from ratoon.ledger.entries import Swap


def test_swaps_are_kept_in_order_and_one_that_is_told_twice_once(ledger, made):
    first = Swap(model="price", version="1", previous=None, at=made.NOW, replica="host:1", done="served")
    torn = first.model_copy(
        update={
            "version": "2",
            "previous": "1",
            "at": made.NOW + timedelta(hours=1),
            "done": "refused",
            "reason": "torn",
        }
    )
    other = first.model_copy(update={"replica": "host:2"})
    for each in (first, torn, other, first):
        ledger.swaps.record(each)
    assert ledger.swaps.of("price") == [first, other, torn]
    assert ledger.swaps.of("another") == []
