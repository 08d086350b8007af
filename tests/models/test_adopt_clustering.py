"""A clustering that somebody else trained: its own scaler is the unit from there on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ratoon.loop.review.adopt import adopt
from ratoon.models.families.choose import learner_for
from ratoon.spec.errors import ContractBroken

from .foreign_models import LEARNED, NOW, log_foreign, project

pytestmark = pytest.mark.slow  # a process of its own for each adoption

LOG = """
from sklearn.cluster import MiniBatchKMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

made = make_pipeline(StandardScaler(), MiniBatchKMeans(3, n_init=1, random_state=0)).fit(X)
log(made, input_example=X[:5])                                                                  # 1
from pathlib import Path
(Path("theirs_code") / "theirs").mkdir(parents=True)
(Path("theirs_code") / "theirs" / "__init__.py").write_text("")
log(made, input_example=X[:5], code_paths=["theirs_code/theirs"])                               # 2
"""


def test_a_foreign_clustering_is_adopted_and_continues_in_its_own_unit(
    tmp_path: Path, empty_mlflow: Callable[[Path], None]
) -> None:
    """One that carries code is refused by name: the gate could not compare it with what comes of it."""
    data = {"source": "rows.parquet", "id": "id", "time": "t", "label_delay": "1h", "features": ["a", "b"]}
    empty_mlflow(tmp_path / "project" / ".ratoon")
    with project(tmp_path / "project", task="clustering", data=data) as context:
        log_foreign(context.spec.folder, LOG)
        told = {"address": None, "learned_until": LEARNED, "now": NOW}
        with pytest.raises(ContractBroken, match=r"carries code of its own.*log it without code_paths"):
            adopt(context, ref="2", **told)
        found = adopt(context, ref="1", **told)
        adopted = context.registry.load(found.version.number)
        rows = context.source.as_of(NOW).unlearned(LEARNED)
        updated = learner_for(adopted.estimator, context.spec).update(adopted, rows, context.spec)

        assert "3 centres and their counts" in "; ".join(found.found.recovered)
        assert "reservoir" not in "; ".join(found.found.recovered)
        assert (adopted.state.family, adopted.state.strategy) == ("sklearn-clusters", "adopted")
        assert adopted.state.accepted["distance"].value > 0
        np.testing.assert_array_equal(updated.estimator[0].mean_, adopted.estimator[0].mean_)
        assert updated.state.learned_rows == adopted.state.learned_rows + len(rows)
