"""The ledger's tables, as SQLAlchemy knows them.

All but `claims` are append-only: triggers in the database refuse UPDATE and DELETE. Where a value has more parts than
people query by, *document* holds it whole as JSON text (text, since JSON columns know no NaN), and the
columns beside it are for SQL. `at`, `start`, `end`, `watermark` and `ended_at` are decision time;
`claimed_at` and `recorded_at` are wall time. All are naive UTC.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERSION_TABLE = "ratoon_ledger_version"  # of its own: MLflow and Prefect keep an alembic_version each
HEAD = "0008"  # the newest revision in migrations/versions; a test holds the two together


class NaiveUTC(TypeDecorator[datetime]):
    """A naive UTC time; one with a time zone is refused, since SQLite would drop the zone in silence."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError(f"the ledger keeps naive UTC times, found {value.isoformat()}; convert it first")
        return value


class Words(TypeDecorator[str]):
    """Text for people and queries; a NUL, which PostgreSQL cannot keep, becomes U+FFFD."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\x00", "\ufffd")


class Base(DeclarativeBase):
    """Root of the ledger's tables."""

    type_annotation_map = {datetime: NaiveUTC, float: Double, str: Words}  # noqa: RUF012 - SQLAlchemy's own spelling


def _recorded() -> Mapped[datetime]:
    return mapped_column(server_default=text("CURRENT_TIMESTAMP"))


class WindowRow(Base):
    """A window as one decision saw it; *rows* is the most that any signal counted."""

    __tablename__ = "windows"
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    start: Mapped[datetime]
    end: Mapped[datetime]
    rows: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime] = _recorded()


class DecisionRow(Base):
    """A decision; *run* is the Prefect flow run that took it, *live* whether its action follows."""

    __tablename__ = "decisions"
    __table_args__ = (Index("decisions_by_time", "model", "at"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str]
    at: Mapped[datetime]
    action: Mapped[str]
    verdict: Mapped[str]
    rule: Mapped[str | None]
    policy: Mapped[str]
    champion: Mapped[str | None]
    run: Mapped[str | None]
    live: Mapped[bool]
    window_id: Mapped[int | None] = mapped_column(ForeignKey("windows.id"))
    document: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = _recorded()


class SignalRow(Base):
    """One signal behind a decision, in the order in which the monitors gave it."""

    __tablename__ = "signals"
    decision: Mapped[str] = mapped_column(ForeignKey("decisions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    window_id: Mapped[int | None] = mapped_column(ForeignKey("windows.id"))
    monitor: Mapped[str]
    metric: Mapped[str]
    column: Mapped[str | None]
    status: Mapped[str]
    value: Mapped[float | None]
    document: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = _recorded()


class TrainingRunRow(Base):
    """A training run that was claimed: no other of its model starts until it ends."""

    __tablename__ = "training_runs"
    __table_args__ = (Index("training_runs_by_decision", "decision"),)
    model: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    decision: Mapped[str] = mapped_column(ForeignKey("decisions.id"))
    at: Mapped[datetime]
    claimed_at: Mapped[datetime]
    run: Mapped[str | None]
    recorded_at: Mapped[datetime] = _recorded()


class TrainingRunEndRow(Base):
    """How a run ended; a run without an end is under way."""

    __tablename__ = "training_run_ends"
    __table_args__ = (ForeignKeyConstraint(["model", "number"], ["training_runs.model", "training_runs.number"]),)
    model: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    outcome: Mapped[str]
    version: Mapped[str | None]
    rows: Mapped[int] = mapped_column(BigInteger)
    cpu_seconds: Mapped[float]
    watermark: Mapped[datetime | None]
    ended_at: Mapped[datetime]
    evidence: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = _recorded()


class PromotionRow(Base):
    """The champion alias moved."""

    __tablename__ = "promotions"
    __table_args__ = (Index("promotions_by_time", "model", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    version: Mapped[str]
    previous: Mapped[str | None]
    at: Mapped[datetime]
    kind: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    decision: Mapped[str | None]
    recorded_at: Mapped[datetime] = _recorded()


class PolicyRow(Base):
    """All that decided, once per version, so that a decision can be taken again."""

    __tablename__ = "policies"
    version: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = _recorded()


class ScoreRow(Base):
    """What became of a decision, once per decision; *at* is the decision time at which it was scored."""

    __tablename__ = "scores"
    __table_args__ = (UniqueConstraint("decision", name="scores_once"), Index("scores_by_time", "model", "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(ForeignKey("decisions.id"))
    model: Mapped[str]
    at: Mapped[datetime]
    verdict: Mapped[str]
    gain: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    rows: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = _recorded()


class ReviewRow(Base):
    """What a reviewer said of a version, each verdict once."""

    __tablename__ = "reviews"
    __table_args__ = (UniqueConstraint("model", "version", "verdict", name="reviews_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    version: Mapped[str]
    verdict: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]
    decision: Mapped[str | None]
    recorded_at: Mapped[datetime] = _recorded()


class CatchRow(Base):
    """The alias `champion` was found where no gate let it go, or gone; *version* is None where it was gone."""

    __tablename__ = "catches"
    __table_args__ = (Index("catches_by_time", "model", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    version: Mapped[str | None]
    previous: Mapped[str | None]
    at: Mapped[datetime]
    done: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = _recorded()


class AcceptanceRow(Base):
    """Looks at broken data, from *start* to *until*, whose rows a person declared sound at *at*."""

    __tablename__ = "acceptances"
    __table_args__ = (Index("acceptances_by_time", "model", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    start: Mapped[datetime]
    until: Mapped[datetime]
    at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = _recorded()


class ClaimRow(Base):
    """Who works at *what* of a model, until when at least; the one table that changes in place."""

    __tablename__ = "claims"
    model: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    holder: Mapped[str]
    until: Mapped[datetime]


class OfferRow(Base):
    """A version that a decision offered, or that was taken back before anybody saw it offered."""

    __tablename__ = "offers"
    model: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    taken_back: Mapped[bool] = mapped_column(Boolean)
    recorded_at: Mapped[datetime] = _recorded()


class FilesRow(Base):
    """The SHA-256 over all files of a version as it was registered; *at* is decision time."""

    __tablename__ = "version_files"
    model: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    at: Mapped[datetime]
    decision: Mapped[str | None]
    recorded_at: Mapped[datetime] = _recorded()


class IntendedFilesRow(Base):
    """The same of a version that is about to be made, for which there is no number yet."""

    __tablename__ = "intended_files"
    model: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = _recorded()


class SwapRow(Base):
    """A replica of `ratoon serve` serves *version* from *at*, or refused it and went on with *previous*."""

    __tablename__ = "swaps"
    __table_args__ = (Index("swaps_by_time", "model", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    version: Mapped[str]
    previous: Mapped[str | None]
    at: Mapped[datetime]
    replica: Mapped[str]
    done: Mapped[str]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = _recorded()
