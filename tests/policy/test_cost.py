"""Retrain when waiting is dearer: the losses since the last run against the price of the next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ratoon.policy.guards.cost import measured_loss, recovered_share
from ratoon.policy.guards.price import expected_cpu_seconds, one_digit
from ratoon.policy.rules.variables import nested

# 1000 rows in 7 days; a drop of 0.05, of which half is thought recoverable; an error costs 7: 25 a day.
COSTS = {"cpu_hour": 3600.0, "run": 40.0, "error": 7.0, "cpu_seconds": 10.0}
DAY = 1000 / 7 * 0.05 * 0.5 * 7


def costs_now(made, signals=None, **past):
    past = made.history(**{"champion_since": None} | past)
    return made.judge(signals or made.harmful(), past=past, costs=COSTS).facts["cost"]


def test_the_first_look_counts_one_step_back_and_one_ahead(made):
    assert costs_now(made) == {
        "cpu_seconds": 10.0,
        "training": 50.0,
        "gain": pytest.approx(DAY),
        "step": pytest.approx(DAY),
        "waiting": pytest.approx(2 * DAY),
        "pays": True,
    }


def test_losses_pile_up_until_they_reach_the_price_of_a_run(made):
    def looked(*steps):
        return [made.past(24 * (len(steps) - i), known={"cost.step": s}) for i, s in enumerate(steps)]

    small = made.sound(value=0.01, low=0.0, high=0.02)
    one = costs_now(made, small, decisions=looked(5.0, 5.0))
    two = costs_now(made, small, decisions=looked(*[5.0] * 8))

    assert one["waiting"] == pytest.approx(10 + 2 * DAY / 5)
    assert (one["pays"], two["pays"]) == (False, True)


@pytest.mark.parametrize("paid", ["run", "promotion"])
def test_the_sum_begins_anew_with_a_training_run_or_a_promotion(made, paid):
    decisions = [made.past(24 * d, known={"cost.step": 5.0}) for d in (3, 2, 1)]
    since = {"updates": (made.run(36, "refused"),)}
    if paid == "promotion":
        since = {"champion_since": made.NOW - timedelta(hours=36)}

    assert costs_now(made, decisions=decisions, **since)["waiting"] == pytest.approx(5.0 + 2 * DAY + 0)
    late = {"updates": (made.run(12, "failed"),)}
    assert costs_now(made, decisions=decisions, **late)["step"] == pytest.approx(DAY / 2)


def test_a_window_that_cannot_tell_adds_nothing_and_pays_for_nothing(made):
    before = [made.past(24, known={"cost.step": 500.0})]
    broken = [*made.harmful(), made.signal("quality", "volume", "fail")]
    unknown = costs_now(made, made.sound(status="unknown", value=None), decisions=before)

    for seen in (unknown, costs_now(made, broken, decisions=before)):
        assert seen == {"cpu_seconds": 10.0, "training": 50.0, "step": 0.0, "waiting": 500.0, "pays": False}


def test_a_gain_over_the_reference_is_no_negative_cost(made):
    seen = costs_now(
        made, made.sound(value=-0.2, low=-0.3, high=-0.1), decisions=[made.past(24, known={"cost.step": 60.0})]
    )

    assert (seen["gain"], seen["step"], seen["waiting"], seen["pays"]) == (0.0, 0.0, 60.0, False)


def test_without_prices_there_are_no_cost_variables(made):
    assert made.judge(made.harmful()).facts["cost"] == {}


def test_an_unknown_price_of_training_pays_for_nothing(made):
    unknown = made.judge(made.harmful(), costs={"cpu_hour": 1.0, "error": 9.0}).facts["cost"]
    free = made.judge(made.harmful(), costs={"cpu_hour": 0.0, "error": 9.0}).facts["cost"]

    assert "training" not in unknown
    assert "pays" not in unknown
    assert (free["training"], free["pays"]) == (0.0, True)


def test_a_rule_can_retrain_when_it_pays(made):
    rule = {"when": 'triage == "harm" && cost.pays', "do": "warm_start"}
    dear = made.judge(made.harmful(), rule, costs=COSTS | {"run": 1000.0})
    cheap = made.judge(made.harmful(), rule, costs=COSTS | {"run": 0.0})

    assert (dear.action, cheap.action) == ("hold", "warm_start")


def test_a_relative_drop_becomes_a_loss_in_the_metrics_unit():
    seen = nested({"performance.drop": 0.1, "performance.reference": 30.0})

    assert measured_loss(seen, "mae") == pytest.approx(3.0)
    assert measured_loss(seen, "roc_auc") == 0.1
    assert measured_loss(nested({"performance.drop": 0.1}), "mae") is None
    assert measured_loss(nested({}), "roc_auc") is None


def test_what_earlier_updates_won_back_is_what_the_next_is_trusted_with(made):
    def share(*runs):
        decisions = [made.past(u.started_at and h, known={"performance.drop": 0.1}, id=u.decision) for h, u in runs]
        return recovered_share(made.history(decisions=decisions, updates=[u for _, u in runs]), "roc_auc")

    def update(hours, *words, **more):
        return hours, made.run(hours, *words, **more)

    assert share() == 0.5
    assert share(update(9, gain=0.1)) == pytest.approx(2 / 3)
    assert share(update(9, gain=5.0), update(8, gain=0.05)) == pytest.approx((1 + 1 + 0.5) / 4)
    assert share(update(9, "refused", gain=0.1)) == pytest.approx(1 / 3)
    assert share(update(9, "failed"), update(8, "abandoned")) == pytest.approx(1 / 4)
    assert share(update(9, gain=0.1, rejected_at=made.NOW)) == pytest.approx(1 / 3)
    assert share(update(9), update(8, "nothing_new"), update(7, "shadow"), update(6, "running")) == 0.5
    assert share(update(9, "refused", promising=True)) == 0.5, "it may yet prove itself"
    unmeasured = made.history(decisions=[made.past(9)], updates=[made.run(9, gain=0.1)])
    assert recovered_share(unmeasured, "roc_auc") == 0.5


def test_measured_seconds_are_rounded_so_that_no_decision_hangs_on_a_machines_noise(made):
    def runs(*seconds):
        return [made.run(len(seconds) - i, cpu_seconds=s) for i, s in enumerate(seconds)]

    def expected(**past):
        return expected_cpu_seconds(made.history(**past), made.policy())

    assert [one_digit(v) for v in (1234.0, 0.0451, 9.6, 3.4)] == [1000.0, 0.05, 10.0, 3.0]
    assert expected() is None
    assert expected(first_cpu_seconds=34.0) == 30.0
    assert expected(first_cpu_seconds=34.0, updates=runs(900.0, 900.0, 900.0, 2.1, 2.2, 2.3, 2.4, 99.0)) == 2.0
    assert expected(updates=(made.run(2, "shadow"), made.run(1, "running"), made.run(3, cpu_seconds=5.2))) == 5.0
    assert expected_cpu_seconds(made.history(), made.policy(costs=COSTS)) == 10.0
