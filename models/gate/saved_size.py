"""How many bytes a version's estimator takes when it is saved."""

from __future__ import annotations

import pickle

from ..subprocesses.remote import RemoteEstimator


def saved_bytes(estimator: object) -> int | None:
    """The length of *estimator* in the skops format that versions are saved in; None where it cannot be saved.

    One that skops does not take is measured as a pickle, which is written to memory only and never loaded. A version
    that carries code is not in this process: the file that it was saved to is measured.
    """
    import skops.io

    if isinstance(estimator, RemoteEstimator):
        files = [path for path in estimator.folder.glob("model*") if path.is_file()]
        return sum(path.stat().st_size for path in files) or None
    try:
        return len(skops.io.dumps(estimator))
    except Exception:  # skops raises whatever a part's own __reduce__ raises
        try:
            return len(pickle.dumps(estimator))
        except Exception:  # likewise
            return None
