"""Policies, each kept once under its version, so that a decision can be taken again."""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy.orm import Session

from ..spec.errors import Refused
from ..spec.keys.rules import Policy
from .tables import PolicyRow
from .transactions import Repository, reads


class Policies(Repository):
    """Policies by their version, by `ledger.policies`."""

    @reads
    def find(self, session: Session, version: str) -> Policy | None:
        """The policy of that version; None if there is none. Raises Refused for one it cannot read."""
        return find(session, version)


def record(session: Session, policy: Policy) -> None:
    """Write *policy*, unless its version is there."""
    version = policy.version
    if session.get(PolicyRow, version) is None:
        session.add(PolicyRow(version=version, document=policy.model_dump_json()))


def find(session: Session, version: str) -> Policy | None:
    """The policy of that version, None where the ledger holds none; Refused where this Ratoon cannot read it."""
    row = session.get(PolicyRow, version)
    if row is None:
        return None
    try:
        return Policy.model_validate_json(row.document)
    except ValidationError as error:
        raise Refused(
            f"policy {version} was written by another Ratoon, and this one cannot read it: "
            f"{error.errors()[0]['msg']}. The ledger was not changed; use the Ratoon that decided by it."
        ) from error
