"""Models that are handed to Prefect's tasks are walked with `dict(model)`, which calls a field named `keys`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import ratoon.ledger.ledger
import ratoon.loop.turn
import ratoon.models.registry.versions
import ratoon.spec.model  # noqa: F401
from ratoon.spec.keys.part import Part
from ratoon.spec.values import Value


def below(model: type) -> Iterator[type]:
    for each in model.__subclasses__():
        yield each
        yield from below(each)


@pytest.mark.parametrize("model", sorted({*below(Part), *below(Value)}, key=str), ids=lambda each: each.__name__)
def test_no_field_hides_a_method_of_mappings(model):
    assert "keys" not in model.model_fields
