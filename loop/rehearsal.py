"""A spec for a rehearsal: the same model on the same data, with stores of its own.

A replay at simulated times must never touch the ledger, registry or workspace that the live model uses.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from ..spec.errors import BadInput
from ..spec.keys.relative import with_absolute_paths
from ..spec.load import load_spec
from ..spec.model import Spec
from ..spec.private import private_folder
from ..spec.stores import stores_of

WRITTEN_BY = "# Written by `ratoon replay`"


def write_rehearsal(spec: Spec, folder: Path | None = None) -> Path:
    """Write a copy of *spec* whose stores are in *folder* (left out: `replay` in the spec's home).

    Raises BadInput where the folder holds an earlier rehearsal; nothing is written then.
    """
    home = (folder or stores_of(spec).home / "replay").resolve()
    if (home / "ledger.db").exists():
        raise BadInput(
            f"{home} holds an earlier replay; nothing was changed. Remove the folder, or choose another with `--into`."
        )
    private_folder(home)
    content = with_absolute_paths(spec)
    # A rehearsal trains hundreds of times: a process for each would take longer than the training.
    content["learner"]["limits"] = {**content["learner"].get("limits", {}), "apart": False}
    content["stores"] = {
        "home": str(home),
        "mlflow": f"sqlite:///{home / 'mlflow.db'}",
        "ledger": f"sqlite:///{home / 'ledger.db'}",
        "workspace": str(home / "evidently"),
        "log": stores_of(spec).log,  # read, and not written to: it is the data
    }
    content["log"] = {"seal_after": "36500d"}  # the live model seals its log, and prunes it
    written = home / "spec.yaml"
    written.write_text(f"{WRITTEN_BY} from {spec.path}.\n" + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_spec(written).path
