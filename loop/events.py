"""What happens in a turn that a team may want to hear of: typed, with a documented schema."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from ..spec.model import Spec
from ..spec.values import Decision

_PAGE = "Address of the version's page in MLflow, where MLflow has pages"


class Happening(BaseModel):
    """Something that a team may want to hear of. *event* is its name in Prefect; the fields are its payload."""

    event: ClassVar[str]
    schema_version: Literal[1] = Field(1, description="Goes up where a field changes its meaning or goes away")
    model: str = Field(description="The registered model's name in MLflow")
    spec: str = Field(description="Full path of the spec")
    at: datetime = Field(description="The moment that it counts from, UTC without a zone")
    decision: str | None = Field(None, description="Id of the decision behind it, as `ratoon history --json` has it")


class Decided(Happening):
    """The policy, or a person, decided; also when the decision is to hold."""

    event = "ratoon.decision"
    action: str = Field(description="`hold`, `alert`, `warm_start`, `full_retrain` or `roll_back`")
    verdict: str = Field(description="What triage said: `healthy`, `broken_data`, `harmless_shift`, `harm` or `unsure`")
    rule: str | None = Field(
        None, description="The rule's condition; none where no rule decided, as in a start by hand"
    )
    reasons: tuple[str, ...] = Field((), description="Sentences that say why, for people")
    mode: str = Field("live", description="`live`, or `shadow`: then nothing trains")

    @classmethod
    def of(cls, spec: Spec, decision: Decision) -> Decided:
        """The event of a decision that was just written down."""
        return cls(
            model=decision.model,
            spec=str(spec.path),
            at=decision.at,
            decision=decision.id,
            action=decision.action,
            verdict=decision.triage.verdict,
            rule=decision.rule,
            reasons=decision.reasons,
            mode=spec.mode,
        )


class Registered(Happening):
    """A retrain registered a challenger that passed the gate."""

    event = "ratoon.registered"
    version: str = Field(description="The challenger's number in MLflow")
    parent: str | None = Field(None, description="The version that it learned on from")
    strategy: str = Field("", description="How it learned, such as `warm` or `scratch`")
    rung: str = Field("", description="As `strategy`: its former name, which goes with 0.3")
    cpu_seconds: float = Field(0.0, description="CPU time of all candidates that were tried")
    page: str | None = Field(None, description=_PAGE)


class Promoted(Happening):
    """The champion alias moved, by Ratoon or in MLflow's pages."""

    event = "ratoon.promoted"
    version: str = Field(description="The version that serves now")
    previous: str | None = Field(None, description="The version that served before")
    kind: str = Field(description="`first`, `promotion`, `roll_back`, `put_back` or `ungated` (no gate passed it)")
    actor: str = Field(description="Who did it, or `unnamed`")
    reason: str = Field("", description="Why, in that person's words")
    page: str | None = Field(None, description=_PAGE)


class Caught(Happening):
    """The champion alias is on a version that no gate passed, or gone."""

    event = "ratoon.caught"
    version: str | None = Field(None, description="Where the alias was found; none: it was gone")
    previous: str | None = Field(None, description="The last version that a gate or a person let serve")
    reason: str = Field(description="What was found and what was done about it, a sentence for people")
    done: Literal["flagged", "put_back"] = Field(description="Whether the alias was moved back, by the key `ungated`")
    page: str | None = Field(None, description=_PAGE)


class Swapped(Happening):
    """A replica of `ratoon serve` serves another version, or refused to and goes on with the one before."""

    event = "ratoon.swapped"
    version: str = Field(description="The version that the alias `champion` points at")
    previous: str | None = Field(None, description="The version that the replica served before")
    done: Literal["served", "refused"] = Field(description="`refused`: it did not load or verify, and does not serve")
    replica: str = Field(description="Host and process of the replica")
    reason: str = Field("", description="Why it was refused, a sentence for people")


HAPPENINGS: tuple[type[Happening], ...] = (Decided, Registered, Promoted, Caught, Swapped)
