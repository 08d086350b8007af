"""The tags of a version, as one typed value: what Ratoon writes as `ratoon.*`, and what reviewers add by hand.

Every reader and writer of tags goes through `VersionTags`. A registry of an older or newer Ratoon reads as well: tags
that this one does not know are passed over, and those that are missing have their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator

from ...spec.values import Span

if TYPE_CHECKING:  # they import pandas, which a reader of tags need not
    from ..learning.state import TrainingState
    from .evidence import Evidence

MAX_CHARACTERS = 5000  # of a tag or a description, in MLflow's tables on PostgreSQL and MySQL; SQLite holds any number
DECISION, STRATEGY, MODEL = "ratoon.decision", "ratoon.strategy", "ratoon.model"  # of training runs too
CAUGHT = "ratoon.caught"
TAKEN_BACK = "ratoon.taken_back"  # on a version that was never offered and could not be deleted
PRUNED = "ratoon.pruned"  # when the HTML of its training run was removed
REVIEW, REJECTED = "review", "rejected"  # a reviewer's tag, and the value by which a version is rejected

_NONE = "none"  # what a tag says that has no value, since MLflow's page does not show an empty one


def _unless_none(value: object) -> object:
    return None if value in (_NONE, "") else value


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    start, _, end = value.partition("/")
    return {"start": start, "end": end}


def _listed(value: object) -> object:
    return tuple(each for each in value.split(",") if each) if isinstance(value, str) else value or ()


Text = Annotated[str | None, BeforeValidator(_unless_none)]
Moment = Annotated[datetime | None, BeforeValidator(_unless_none)]
Window = Annotated[Span | None, BeforeValidator(_span), BeforeValidator(_unless_none)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed), BeforeValidator(_unless_none)]
Number = Annotated[int | None, BeforeValidator(_unless_none)]


_PEOPLE = frozenset({"review", "review_reason", "reviewed_by", "reviewed_at", "champion_removed_by"})


_FORMER = {"ratoon.strategy": "ratoon.rung"}  # tags of versions that 0.1 registered


def _tag(field: str) -> str:
    return field if field in _PEOPLE else f"ratoon.{field}"


class VersionTags(BaseModel):
    """What a version's tags say.

    *strategy* and *family*: how it was trained; without *strategy* Ratoon did not make it. *parent*: the version that
    it continues; *against*: the champion that it was judged against. *gate*: `passed`, `unproven`, `background` (no
    gate was asked) or `none` (a beginning). *rows*, *cpu_seconds*: what this training learned and took; *learned_rows*,
    *updates*: of the whole lineage. *files*: digests as JSON. *caught*, *taken_back*, *pruned*: what happened to it
    later. The last five are people's. Times are naive UTC, *watermark* in the order of labels' arrival. *unreadable*
    names tags whose value somebody edited into what cannot be read; they count as missing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, alias_generator=_tag)

    decision: Text = None
    at: Moment = None
    action: Text = None
    triage: Text = None
    parent: Text = None
    strategy: Text = None
    family: Text = None
    watermark: Moment = None
    updates: Number = None
    learned_rows: Number = None
    against: Text = None
    rows: int = 0
    cpu_seconds: float = 0.0
    peak_memory_bytes: Number = None
    adopted_from: Text = None
    gate: str | None = None  # `none` is an answer of its own
    window: Window = None
    snapshots: Listed = ()
    flow_run: Text = None
    files: str | None = None
    caught: str | None = None
    taken_back: bool = False
    pruned: str | None = None

    review: str = ""
    review_reason: str = ""
    reviewed_by: str = ""
    reviewed_at: str = ""
    champion_removed_by: str = ""

    unreadable: tuple[str, ...] = ()

    @field_validator("at", "watermark")
    @classmethod
    def _naive(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("a time with a zone; Ratoon writes naive UTC")
        return value

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> Self:
        """From the registry's text. Never raises: a value that cannot be read is missing, and named in `unreadable`."""
        written = {name: name if name in tags else _FORMER.get(name, name) for name in map(_tag, cls.model_fields)}
        known = {name: tags[tag] for name, tag in written.items() if tag in tags}
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            wrong = {str(each["loc"][0]) for each in error.errors()}
        left = cls.model_validate({name: value for name, value in known.items() if name not in wrong})
        return left.model_copy(update={"unreadable": tuple(sorted(wrong))})

    @classmethod
    def of_state(cls, state: TrainingState) -> Self:
        """The tags that repeat what stands in a version's training state."""
        return cls(
            parent=state.parent,
            strategy=state.strategy,
            family=state.family,
            watermark=state.watermark,
            updates=state.updates,
            learned_rows=state.learned_rows,
        )

    @classmethod
    def of(cls, state: TrainingState, evidence: Evidence, files: str | None = None) -> Self:
        """The tags of a version that is to be registered: all that a search or a script may ask for."""
        return cls.of_state(state).model_copy(
            update={
                "decision": evidence.decision,
                "at": evidence.at,
                "action": evidence.action,
                "triage": evidence.verdict or None,
                "against": evidence.against,
                "rows": evidence.rows,
                "cpu_seconds": evidence.cpu_seconds,
                "peak_memory_bytes": evidence.used.peak_memory_bytes if evidence.used else None,
                "adopted_from": evidence.adopted_from or None,
                "gate": evidence.judged,
                "window": evidence.window,
                "snapshots": evidence.snapshots,
                "flow_run": evidence.flow_run,
                "files": files,
            }
        )

    def to_mlflow(self) -> dict[str, str]:
        """As the registry holds them; what was never set has no tag, each value at most `MAX_CHARACTERS` long."""
        texts = {_tag(name): self.text(name) for name in type(self).model_fields if name in self.model_fields_set}
        return {tag: text for tag, text in texts.items() if text}

    def text(self, name: str) -> str:
        """The field *name* as its tag holds it, such as `none` for no parent; the empty text if there is no tag."""
        return _text(name, getattr(self, name))[:MAX_CHARACTERS] if name in self.model_fields_set else ""

    @property
    def made_by_ratoon(self) -> bool:
        """Whether Ratoon trained or adopted the version; a stranger's has no strategy."""
        return self.strategy is not None

    @property
    def unproven(self) -> bool:
        """Whether no gate passed it: it may be gone on from, and may not serve."""
        return self.gate in ("unproven", "background")

    @property
    def rejected(self) -> bool:
        """Whether a reviewer rejected it."""
        return self.review == REJECTED


_SHOWN_WITHOUT_VALUE = frozenset({"parent", "against", "window", "snapshots", "flow_run"})


def _text(name: str, value: object) -> str:
    """A value as its tag holds it; the empty text for what gets no tag."""
    if value is None or value == () or value is False:
        return _NONE if name in _SHOWN_WITHOUT_VALUE else ""
    if name == "cpu_seconds" and isinstance(value, int | float):
        return f"{value:.3f}"
    if isinstance(value, bool):
        return "true"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Span):
        return f"{value.start.isoformat()}/{value.end.isoformat()}"
    return ",".join(value) if isinstance(value, tuple) else str(value)
