"""A spec is read whole, or refused with every fault named."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ratoon.spec.errors import SpecError
from ratoon.spec.keys.gate import Margin
from ratoon.spec.load import json_schema, load_spec

GOOD = """\
model: electricity-price
task: binary
data:
  source: data/electricity.parquet
  id: row_id
  time: event_time
  target: price_up
  label_delay: 1d
learner:
  build: training.py:build
monitors:
  window: 7d
  every: 1d
  drift: {share: 0.3}
  performance: {metric: roc_auc, min_labels: 500}
policy:
  - when: triage == "broken_data"
    do: alert
  - when: triage == "harm" && performance.drop > 0.03
    do: warm_start
    persist: 2 of 3
    cooldown: 2d
    budget: {runs: 10, per: 30d}
gate:
  recent: better
  anchor: {margin: 0.01}
review: required
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "spec.yaml"
    file.write_text(text)
    return file


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SpecError) as refused:
        load_spec(write(folder, text))
    return str(refused.value)


def test_the_spec_of_the_design_is_read(tmp_path):
    spec = load_spec(write(tmp_path, GOOD))

    assert spec.monitors.window == timedelta(days=7)
    assert spec.policy[1].persist is not None and spec.policy[1].persist.k == 2
    assert spec.folder == tmp_path
    assert spec.metric == "roc_auc"


def test_windows_may_be_counted_in_rows(tmp_path):
    spec = load_spec(write(tmp_path, GOOD.replace("window: 7d", "window: 500 rows")))

    assert spec.monitors.window == 500


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    text = refusal(tmp_path, GOOD.replace("cooldown: 2d", "cool_down: 2d"))

    assert "spec.yaml:22: policy[1].cool_down" in text
    assert "did you mean `cooldown`" in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("task: binary", "task: bianry", ['task: found "bianry"', "'binary'"]),
        ("window: 7d", "window: soon", ["monitors.window", '"soon"', "7d"]),
        ("persist: 2 of 3", "persist: 4 of 3", ["policy[1].persist", "at most 3 of 3"]),
        ("  id: row_id\n", "", ["data.id", "required"]),
        ("label_delay: 1d", "label_delay: 1d\n  label_time: t", ["not both"]),
        ("metric: roc_auc", "metric: mae", ["performance.metric", "binary"]),
        ("build: training.py:build", "build: training", ["learner.build", "file.py:function"]),
        ("review: required", "review: required\nmodel: twice", ["model is written twice"]),
        ("model: electricity-price", "model: [", ["no valid YAML"]),
        ("  source: data/electricity.parquet\n", "", ["exactly one of them"]),
    ],
)
def test_a_fault_names_key_value_and_what_was_expected(tmp_path, old, new, expected):
    text = refusal(tmp_path, GOOD.replace(old, new))

    for part in expected:
        assert part in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("share: 0.3", "share: lots", ['share: found "lots"; expected a number, or keys: quantile, windows']),
        ("share: 0.3", "share: {quantile: 2, fixed: 0.3}", ["share.quantile: found 2; expected 1.0 or less."]),
        ("share: 0.3", "share: {quantil: 0.9, fixed: 0.3}", ["share.quantil: unknown key; did you mean `quantile`?"]),
        ("persist: 2 of 3", "persist: 2", ["policy[1].persist: found 2; expected `k of n`, such as `2 of 3`."]),
        ("cooldown: 2d", "strategies: [warm, cold]", ["policy[1].strategies[1]", '"cold"', "'warm'"]),
        ("cooldown: 2d", "strategies: []", ["policy[1].strategies"]),
        ("cooldown: 2d", "back_off: 3", ["back_off: found 3; expected a length such as 2d, or {first: 2d, most: 30d}"]),
        ("cooldown: 2d", "quiet: 5", ["quiet: found 5; expected hours such as `22:00-06:00`"]),
        (
            "recent: better",
            "recent: worse",
            ["found \"worse\"; expected 'better', 'not_worse' or 'no_loss', or keys: margin"],
        ),
        ("recent: better", "recent: {margin: 0.1, within: 9d}", ["gate.recent", "a meaning under `anchor` only"]),
        ("anchor: {margin: 0.01}", "anchor: 0.01", ["gate.anchor: found 0.01; expected keys: margin, within."]),
        ("drift: {share: 0.3}", "drift: yes", ["monitors.drift: found true; expected keys: threshold, share"]),
        ("drift: {share: 0.3}", "quality: {volume: 3}", ["volume: found 3; expected a list"]),
        ("runs: 10", "runs: ten", ['runs: found "ten"; expected a whole number.']),
        ("model: electricity-price", "model: a b", ["expected letters, digits"]),
        (
            "anchor: {margin: 0.01}",
            "slices: [{name: a, margin: 0, where: {b: {frm: 1}}}]",
            ["where.b.frm: unknown key; did you mean `from`?"],
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_one_sentence_without_type_names(tmp_path, old, new, expected):
    """Where a key may be written in several ways, they share one sentence; no name of our classes is in it."""
    text = refusal(tmp_path, GOOD.replace(old, new))

    for part in expected:
        assert part in text
    assert len(text.splitlines()) == 1
    for jargon in ("instance of", "dictionary", "valid", "tuple", "parse", "Adaptive", "literal", "Input should"):
        assert jargon not in text


@pytest.mark.parametrize(
    ("recent", "in_harm"),
    [("better", "not_worse"), ("not_worse", "not_worse"), ("{margin: 0.02}", Margin(margin=0.02))],
)
def test_in_harm_no_more_is_asked_than_without_it(tmp_path, recent, in_harm):
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD.replace("recent: better", f"recent: {recent}"))
    assert load_spec(path).gate.asked_in_harm == in_harm


def test_every_fault_is_listed_at_once(tmp_path):
    text = refusal(tmp_path, GOOD.replace("task: binary", "task: x").replace("window: 7d", "window: y"))

    assert len(text.splitlines()) >= 2


def test_a_missing_and_an_empty_file_are_told_apart(tmp_path):
    with pytest.raises(SpecError, match="no such file"):
        load_spec(tmp_path / "nothing.yaml")
    assert "empty" in refusal(tmp_path, "")


def test_the_schema_knows_every_key_of_the_spec():
    schema = json_schema()

    assert {"model", "task", "data", "learner", "monitors", "policy", "gate"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    json.dumps(schema)


def test_a_rule_tries_no_strategy_that_the_ladder_does_not_have(tmp_path):
    text = GOOD.replace("training.py:build", "training.py:build\n  strategies: [scratch]").replace(
        "cooldown: 2d", "strategies: [warm]"
    )
    assert "policy[1].strategies: 'warm' is none of learner.strategies (scratch)" in refusal(tmp_path, text)


def test_a_rule_that_trains_nothing_has_no_strategies(tmp_path):
    text = GOOD.replace("do: alert", "do: alert\n    strategies: [warm]")
    assert "`strategies` has a meaning only with `do: warm_start`, found `do: alert`" in refusal(tmp_path, text)


def test_two_specs_with_equal_rules_have_equal_policy_versions(tmp_path):
    one = load_spec(write(tmp_path, GOOD))
    two = load_spec(write(tmp_path, GOOD.replace("review: required", "review: automatic")))
    three = load_spec(write(tmp_path, GOOD.replace("0.03", "0.04")))

    assert one.policy_version == two.policy_version != three.policy_version


@pytest.mark.parametrize("review", ["required", "automatic"])
def test_a_spec_without_a_policy_decides_on_measured_gain(tmp_path: Path, review: str) -> None:
    """A champion is taken back by a rule only where a rule may promote one as well."""
    text = GOOD[: GOOD.index("policy:")] + f"review: {review}\n"
    (tmp_path / "spec.yaml").write_text(text)
    rules = {rule.when: rule.do for rule in load_spec(tmp_path / "spec.yaml").policy}
    assert rules["gain.pays"] == "warm_start"
    assert rules['triage == "broken_data"'] == rules['triage == "harm"'] == "alert"
    assert ("roll_back" in rules.values()) is (review == "automatic")
