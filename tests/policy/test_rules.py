"""Conditions are checked before they are needed, and never crash a window."""

from __future__ import annotations

import pytest

from ratoon.policy.rules.check import check_rules
from ratoon.policy.rules.conditions import RuleError, condition
from ratoon.policy.rules.names import names_in
from ratoon.policy.rules.variables import VARIABLES, nested
from ratoon.spec.errors import BadInput

SEEN = nested({name: each.example for name, each in VARIABLES.items()})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('triage == "harm" && performance.drop > 0.03', True),
        ('triage in ["harm", "unsure"] && new_rows >= 200', False),
        ('drift.columns.exists(c, c.startsWith("per"))', True),
        ('"volume" in quality.failed', True),
        ("has(performance.drop) && performance.drop_low > 0.0", True),
        ('performance["drop"] > 0.03 // a note on performance.dropp', True),
        ("size(drift.columns) == 2 ? true : false", True),
        ("double(new_rows) / performance.drop > 100.0", True),
        ("performance.drop > .03 && type(new_rows) == int", True),
    ],
)
def test_a_condition_reads_its_window(text, holds):
    reading = condition(text)(SEEN)

    assert (reading.holds, reading.trouble) == (holds, "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("performance.dropp > 0.03", "unknown variable `performance.dropp`; did you mean `performance.drop`?"),
        ('triage == "never" && perf.drop > 1.0', "did you mean `performance.drop`?"),
        ('triage == "never" && performance["dropp"] > 1.0', "did you mean `performance.drop`?"),
        ("age_hours > 3.0", "did you mean `champion.age_hours`?"),
        ("zzz > 3.0", "there are triage, new_rows,"),
        ("drift.zzz > 3.0", "did you mean `drift."),
        ("performance.drop.high > 0.1", "performance.drop is a double"),
        ("triage.startswith('h')", "unknown function `startswith`; did you mean `startsWith`?"),
        ('__import__("os") == 1', "unknown function `__import__`"),
        ('triage = "harm"', "this is not CEL: at character 8"),
        ("triage == 'harm' and true", "this is not CEL"),
        ("new_rows", "gives 120; compare it with something"),
        ('triage == "harm" ? 1 : 2', "expected a condition that is true or false"),
        ('performance.drop > "a"', "the types do not fit (performance.drop is a double)"),
        ('triage == "unsure" && performance.drop', "No such overload"),
        ('triage.matches("(")', "not a valid regex"),
        ("drift.columns.exists(c, d == c)", "unknown variable `d`"),
    ],
)
def test_a_wrong_condition_is_refused_with_what_to_write_instead(text, says):
    with pytest.raises(RuleError) as error:
        condition(text)

    assert says in str(error.value)
    assert f"rule `{text}`" in str(error.value)
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, BadInput)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("performance.drop > 0.03", "performance.drop has no value in this window"),
        ("!(performance.drop > 0.03)", "performance.drop has no value in this window"),
        ("performance.drop > champion.age_hours", "champion.age_hours and performance.drop have no value"),
        ("new_rows / size(drift.columns) > 1", "divides by zero"),
        ('drift.columns[0] == "day"', "an entry that a list does not have"),
        ("9223372036854775807 + new_rows > 0", "overflows"),
    ],
)
def test_a_condition_that_a_window_cannot_answer_does_not_hold_and_says_why(text, trouble):
    reading = condition(text)({**SEEN, "performance": {}, "champion": {}, "drift": {"columns": []}, "new_rows": 3})

    assert not reading.holds
    assert trouble in reading.trouble


def test_a_missing_value_does_not_matter_where_the_rest_decides():
    lost = {**SEEN, "performance": {}}

    assert condition("performance.drop > 0.03 || drift.share > 0.3")(lost).holds
    assert condition('triage == "unsure" && performance.drop > 0.03')(lost).trouble == ""


def test_names_are_found_in_any_corner_of_a_condition():
    names = names_in("""drift.columns.filter(c, c != 'a.b').size() > 1 && performance["drop"] > 1e5 || !has(x.y)""")

    assert names.variables == ("drift.columns", "performance.drop", "x.y")
    assert names.functions == ("filter", "has", "size")
    assert names_in('r\'"\' == "tri\\"age" // new_rows').variables == ()


def test_a_verdict_that_does_not_exist_is_refused_with_the_nearest(made):
    """A rule that waits for it would leave the model unwatched in silence."""
    with pytest.raises(RuleError, match="triage is never 'harmm'; did you mean 'harm'"):
        check_rules(made.policy(rules=[{"when": 'triage == "harmm"', "do": "warm_start"}]))
