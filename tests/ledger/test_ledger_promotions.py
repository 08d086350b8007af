"""Who was champion when is answered by the ledger alone."""

from __future__ import annotations

from datetime import timedelta

from ratoon.ledger.ledger import Catch, Ledger, Promotion


def _move(ledger: Ledger, version: str, kind: str, at, previous: str | None = None, decision: str | None = None):
    ledger.promotions.record(
        Promotion(
            model="price",
            version=version,
            previous=previous,
            at=at,
            kind=kind,  # type: ignore[arg-type]
            actor="ada",
            reason="the gate passed",
            decision=decision,
        )
    )


def test_the_champion_of_any_moment_is_known(ledger, made):
    hours = [made.NOW + timedelta(hours=h) for h in range(4)]
    _move(ledger, "1", "first", hours[0])
    _move(ledger, "2", "promotion", hours[1], "1", "d1")
    _move(ledger, "1", "roll_back", hours[3], "2")

    assert ledger.promotions.champion_at("price", hours[0] - timedelta(seconds=1)) is None
    assert [ledger.promotions.champion_at("price", at) for at in hours] == ["1", "2", "2", "1"]
    assert [(p.version, p.previous, p.kind) for p in ledger.promotions.of("price")] == [
        ("1", None, "first"),
        ("2", "1", "promotion"),
        ("1", "2", "roll_back"),
    ]
    assert ledger.promotions.of("price")[1].decision == "d1"
    assert ledger.promotions.of("bike") == []


def test_a_move_recorded_again_is_one_move_but_there_and_back_is_two(ledger, made):
    for _ in range(2):
        _move(ledger, "1", "first", made.NOW)
    for _ in range(2):
        _move(ledger, "2", "promotion", made.NOW, "1")
        _move(ledger, "1", "roll_back", made.NOW, "2")

    assert [p.version for p in ledger.promotions.of("price")] == ["1", "2", "1", "2", "1"]
    assert ledger.promotions.champion_at("price", made.NOW) == "1"


def test_of_two_who_notice_a_move_one_writes_it_down(ledger, made):
    """Sweeps may run side by side, and beside the promotion that they notice."""
    _move(ledger, "1", "first", made.NOW)
    known = {"model": "price", "version": "2", "previous": "1", "kind": "promotion", "reason": "", "decision": None}
    written = [
        ledger.promotions.record(
            Promotion(**known, at=made.NOW + timedelta(seconds=n), actor=f"sweep {n}"), noticed=True
        )
        for n in range(2)
    ]

    assert written == [True, False]
    assert [p.actor for p in ledger.promotions.of("price")] == ["ada", "sweep 0"]


def test_catches_are_read_back_in_order(ledger, made):
    ungated = Catch(
        model="price", version="7", previous="3", at=made.NOW, done="put_back", actor="ada", reason="no gate"
    )
    gone = ungated.model_copy(update={"version": None, "done": "flagged"})
    for each in (ungated, gone):
        ledger.unapproved.record(each)

    assert ledger.unapproved.of("price") == [ungated, gone]
    assert ledger.unapproved.of("bike") == []
