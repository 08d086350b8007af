"""The fields of the custom-run forms: types, titles and patterns, so that a form refuses nonsense by itself.

Prefect takes a field's description from the flow's docstring and its place from the signature, and titles each
field with the parameter's bare name; only what stands in `json_schema_extra` outlasts that.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field
from pydantic.fields import FieldInfo

from ...loop.moment import as_utc, wall_clock
from ...spec.errors import BadInput
from .engine import deployment

SLACK = timedelta(minutes=5)  # two machines' clocks may differ by this


def _shown(title: str) -> FieldInfo:
    shown: FieldInfo = Field(json_schema_extra={"title": title})
    return shown


SpecPath = Annotated[str, _shown("Spec (set by the deployment)")]
StartAt = Annotated[Literal["warm", "scratch"], _shown("Where to begin")]
FormerStartAt = Annotated[Literal["warm", "scratch"] | None, _shown("Former name of `strategy`; leave it empty")]
Reason = Annotated[str, Field(max_length=2000, json_schema_extra={"title": "Reason"})]
Actor = Annotated[str, Field(max_length=100, json_schema_extra={"title": "Your name"})]
At = Annotated[datetime | None, _shown("As of (UTC)")]
Start = Annotated[datetime | None, _shown("From (UTC)")]
End = Annotated[datetime | None, _shown("Until (UTC)")]
DecisionId = Annotated[
    Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None, _shown("Decision to carry out (advanced)")
]
Version = Annotated[Annotated[str, Field(pattern=r"^[1-9][0-9]*$")] | None, _shown("Version")]
BackTo = Annotated[Annotated[str, Field(pattern=r"^[1-9][0-9]*$")] | None, _shown("Back to version")]
Step = Annotated[
    str, Field(pattern=r"^\s*\d+(\.\d+)?\s*[mhdw]\s*$", json_schema_extra={"title": "Step between evaluations"})
]


def by_form() -> bool:
    """Whether this run is one of a deployment: a person filled in a form, or a program did."""
    return bool(deployment.id)


def explained(reason: str, what: str) -> None:
    """Raises BadInput for a start from the form that gives no reason; in a shell a reason may be left out."""
    if by_form() and not reason.strip():
        raise BadInput(
            f"The field `reason` is empty, and {what} is written into the ledger with its reason. Nothing was "
            "changed. Start the run again and say why, in a sentence."
        )


def signed(actor: str, what: str) -> None:
    """Raises BadInput for a start from the form that gives no name: Prefect knows nobody's."""
    if by_form() and not actor.strip():
        raise BadInput(
            f"The field `actor` (your name) is empty, and {what} is written into the ledger with who did it. Nothing "
            "was changed. Start the run again with your name."
        )


def past(at: datetime | None) -> None:
    """Raises BadInput for a moment to come, in a start from the form: the data of it is not there yet."""
    if at is None or not by_form():
        return
    asked, now = as_utc(at), wall_clock()
    if asked > now + SLACK:
        raise BadInput(
            f"The field `at` is {asked:%Y-%m-%d %H:%M} UTC, which is still to come (it is {now:%Y-%m-%d %H:%M} UTC "
            "now). Nothing was changed. Leave it out for the present, or choose a moment in the past."
        )
