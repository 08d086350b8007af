"""The models whose updates are killed, one per family; copied beside the spec of update_loop.py.

Small, so that 200 updates are quick; seeded, so that an uninterrupted run ends in the same state.
"""

import json

import numpy as np

from ratoon.models.families.custom.own import OwnLearner


def before(last):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    parts = [("numbers", numbers, ["a", "b"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    return Pipeline([("prepare", ColumnTransformer(parts, sparse_threshold=0)), ("last", last)])


def sgd():
    from sklearn.linear_model import SGDClassifier

    return before(SGDClassifier(loss="log_loss", random_state=0))


def mlp():
    from sklearn.neural_network import MLPClassifier

    return before(MLPClassifier((4,), max_iter=10, n_iter_no_change=50, random_state=0))


def bayes():
    from sklearn.naive_bayes import GaussianNB

    return before(GaussianNB())


def kmeans():
    from sklearn.cluster import MiniBatchKMeans

    return before(MiniBatchKMeans(3, n_init=1, random_state=0))


def lightgbm():
    from lightgbm import LGBMClassifier

    few = {"n_estimators": 10, "num_leaves": 4, "min_child_samples": 2, "n_jobs": 1, "verbosity": -1}
    return before(LGBMClassifier(**few, subsample=0.8, subsample_freq=1, random_state=0))


def xgboost():
    from xgboost import XGBClassifier

    return before(XGBClassifier(n_estimators=10, max_depth=2, subsample=0.8, n_jobs=1, random_state=0))


def lightgbm_blocks():
    return lightgbm()


def xgboost_blocks():
    return xgboost()


def river():
    from river import compose, linear_model, optim, preprocessing

    words = compose.Select("c") | preprocessing.OneHotEncoder()
    numbers = compose.SelectType(float) | preprocessing.StandardScaler()
    return (words + numbers) | linear_model.LogisticRegression(optim.Adam(0.01))


def torch():
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(4, 1))
    return net, torch.optim.Adam(net.parameters(), lr=0.01)


def own():
    return Shares()


class Shares:
    """Predicts the class that was more frequent for the sign of feature `b`."""

    def __init__(self, counts=((0, 0), (0, 0))):
        self.counts = [list(each) for each in counts]
        self.classes_ = np.asarray([0, 1])

    def predict_proba(self, X):
        table = np.asarray(self.counts, dtype=float) + 1
        return (table / table.sum(axis=1, keepdims=True))[(X["b"] > 0).astype(int)]

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


class SharesLearner(OwnLearner):
    """A learner of the user's own that saves and loads in its own way."""

    family = "shares"
    splits = "exact"
    strategies = frozenset({"warm"})  # it keeps counts, and would count replayed rows twice
    serve = "serve_shares.py"

    def learn(self, estimator, X, y, spec):
        for b, label in zip(X["b"], y, strict=True):
            estimator.counts[int(b > 0)][int(label)] += 1

    def save(self, estimator, folder):
        (folder / "shares.json").write_text(json.dumps(estimator.counts))

    def load(self, folder):
        return Shares(json.loads((folder / "shares.json").read_text()))
