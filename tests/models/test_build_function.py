"""The user's build function is loaded without touching anyone's modules, and seeded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ratoon.models.families.choose import build
from ratoon.spec.errors import SpecError


def spec_with(make_spec: Any, folder: Path, text: str, entry: str = "training.py:build") -> Any:
    (folder / "training.py").write_text(text)
    return make_spec(folder=folder, learner={"build": entry})


def test_every_unset_random_state_is_seeded(make_spec: Any, tmp_path: Path) -> None:
    """Nested steps too; one that the user chose stays."""
    text = (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.decomposition import PCA\n"
        "from sklearn.linear_model import SGDClassifier\n"
        "def build():\n    return make_pipeline(PCA(random_state=3), SGDClassifier())\n"
    )
    spec = spec_with(make_spec, tmp_path, text).model_copy(update={"seed": 7})
    parameters = build(spec).get_params()
    assert parameters["sgdclassifier__random_state"] == 7
    assert parameters["pca__random_state"] == 3


def test_a_neighbour_module_of_the_build_file_is_importable_only_meanwhile(make_spec: Any, tmp_path: Path) -> None:
    """The user's own `models` package is found, and the path is as before afterwards."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text(
        "from sklearn.linear_model import SGDRegressor\nmake = SGDRegressor\n"
    )
    before = list(sys.path)
    spec = spec_with(make_spec, tmp_path, "from parts import make\ndef build():\n    return make()\n")
    assert type(build(spec)).__name__ == "SGDRegressor"
    assert sys.path == before
    assert "training" not in sys.modules
    sys.modules.pop("parts")


@pytest.mark.parametrize(
    ("text", "entry", "words"),
    [
        ("", "elsewhere.py:build", "expected a Python file at .*elsewhere.py, found none"),
        ("def made():\n    pass\n", "training.py:build", "has no function 'build'; found made"),
        ("def build():\n    return 3\n", "training.py:build", "returned a int; expected an estimator"),
        ("from sklearn.svm import SVC\ndef build():\n    return SVC\n", "training.py:build", "the class SVC; expected"),
        ("def build():\n    raise KeyError('x')\n", "training.py:build", r"build\(\) raised KeyError"),
        ("import nothing_like_this\n", "training.py:build", "importing .*training.py raised ModuleNotFoundError"),
    ],
    ids=["no-file", "no-function", "no-estimator", "class", "raises", "import-fails"],
)
def test_what_is_wrong_is_named(make_spec: Any, tmp_path: Path, text: str, entry: str, words: str) -> None:
    spec = spec_with(make_spec, tmp_path, text, entry)
    with pytest.raises(SpecError, match=words):
        build(spec)


def test_every_n_jobs_is_what_the_spec_allows(make_spec: Any, tmp_path: Path) -> None:
    """Processes of its own would escape `learner.threads`, and the count of what the training took."""
    (tmp_path / "training.py").write_text(
        "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.multiclass import OneVsRestClassifier\n\n\n"
        "def build():\n    return OneVsRestClassifier(RandomForestClassifier(n_jobs=-1), n_jobs=8)\n"
    )
    spec = make_spec("build", folder=tmp_path, learner={"threads": 2})
    assert {v for k, v in build(spec).get_params().items() if k.endswith("n_jobs")} == {2}
