"""What a person gives a run and it cannot have is bad input: which field, what was found, what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from ratoon.flows.prefect.form import Reason, SpecPath
from ratoon.flows.prefect.plain import flow
from ratoon.spec.errors import BadInput


class Inner(BaseModel):
    number: int


@flow(name="given")
def given(*, reason: Reason = "", spec: SpecPath) -> str:
    if reason == "inside":
        Inner.model_validate({"number": "x"})
    return reason


@pytest.mark.parametrize("reason", ["x" * 3_000_000, "\udcff\udcfe", 7, None, b"\xff"])
def test_a_reason_that_is_none_is_bad_input(reason: object, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^reason: found .*Nothing was changed") as found:
        given(reason=reason, spec=str(tmp_path))  # type: ignore[arg-type]
    assert len(str(found.value)) < 1_000 and "pydantic" not in str(found.value).lower()


def test_what_the_run_raises_itself_is_its_own() -> None:
    with pytest.raises(ValidationError):
        given(reason="inside", spec="x")
    assert given(reason="fine", spec="x") == "fine"
