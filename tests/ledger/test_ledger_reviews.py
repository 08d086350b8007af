"""What reviewers said of a version, and what the past makes of it."""

from __future__ import annotations

from datetime import timedelta

from ratoon.ledger.ledger import Review


def _say(ledger, made, version: str, *, hours: float = 0, verdict="rejected", model="price", reason="odd by night"):
    return ledger.reviews.record(
        Review(
            model=model,
            version=version,
            verdict=verdict,
            at=made.NOW + timedelta(hours=hours),
            actor="ada",
            reason=reason,
            decision="d1",
        )
    )


def test_a_verdict_on_a_version_is_written_once(ledger, made):
    assert _say(ledger, made, "4", hours=1)
    assert not _say(ledger, made, "4", hours=2, reason="again")
    assert _say(ledger, made, "4", hours=3, verdict="approved")
    assert _say(ledger, made, "3")
    assert _say(ledger, made, "4", model="bike")
    found = [(r.version, r.verdict, r.reason, r.actor, r.decision) for r in ledger.reviews.of("price")]

    assert found == [
        ("3", "rejected", "odd by night", "ada", "d1"),
        ("4", "rejected", "odd by night", "ada", "d1"),
        ("4", "approved", "odd by night", "ada", "d1"),
    ]
    assert ledger.reviews.of("bike")[0].at == made.NOW


def test_history_knows_a_rejection_only_from_its_moment_on(ledger, made):
    ledger.decisions.record(made.decided(), [], live=True)
    ledger.runs.finish(made.claim(ledger), outcome="registered", version="4", ended_at=made.NOW)
    _say(ledger, made, "4", hours=2)
    _say(ledger, made, "4", hours=2, verdict="approved")
    _say(ledger, made, "5")
    _say(ledger, made, "4", model="bike")
    before, since = (ledger.history("price", made.NOW + timedelta(hours=h)) for h in (1, 2))

    assert [u.rejected_at for u in before.updates] == [None]
    assert [u.rejected_at for u in since.updates] == [made.NOW + timedelta(hours=2)]
    assert (before.marks.reviews, since.marks.reviews) == (3, 3)
