"""The policy that decided is kept with the decision, once per version."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from ratoon.ledger.engine import connect, writing
from ratoon.spec.errors import Refused


def _by(made, id: str, policy, **more):
    return made.decided(id, **more).model_copy(update={"policy": policy.version})


def test_a_policy_is_written_once_and_comes_back_equal(ledger, made, url):
    for hours in range(3):
        ledger.decisions.record(_by(made, f"d{hours}", made.policy(), hours=hours), [], policy=made.policy(), live=True)
    other = made.policy(metric="mae")
    ledger.decisions.record(_by(made, "d3", other), [], policy=other, live=True)

    assert ledger.policies.find(made.policy().version) == made.policy()
    assert ledger.policies.find(made.policy().version).version == made.policy().version
    assert ledger.policies.find(other.version) == other
    assert ledger.policies.find("abc") is None
    engine = connect(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM policies")).scalar() == 2
    engine.dispose()


def test_another_policy_than_the_decision_names_is_refused_and_nothing_is_written(ledger, made):
    with pytest.raises(ValueError, match="decision d1 names policy 'abc', not"):
        ledger.decisions.record(made.decided(), [], policy=made.policy(), live=True)

    assert ledger.decisions.find("d1") is None
    assert ledger.policies.find(made.policy().version) is None


def test_a_policy_goes_with_its_decision_or_not_at_all(ledger, made):
    zoned = _by(made, "d1", made.policy()).model_copy(update={"window": made.measured().window, "at": "never"})
    with pytest.warns(UserWarning, match="Pydantic"), pytest.raises(Exception, match=r"never|datetime|tzinfo"):
        ledger.decisions.record(zoned, [made.measured()], policy=made.policy(), live=True)

    assert ledger.policies.find(made.policy().version) is None


def test_a_policy_of_a_newer_ratoon_is_named_and_not_guessed(ledger, made, url):
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO policies (version, document) VALUES ('new', '{\"moods\": 1}')"))
    engine.dispose()
    with pytest.raises(Refused, match="policy new was written by another Ratoon"):
        ledger.policies.find("new")
