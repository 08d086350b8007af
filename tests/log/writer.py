"""A process that writes to a log until it is killed, and says on its output what was acknowledged."""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import count

from ratoon.log import LabelEvent, Prediction, open_log


def main(url: str, model: str, partition: str, name: str, most: str) -> None:
    """Rows and labels of *name*, three at a time; a line for each label, when it is on the disk."""
    with open_log(url) as log:
        for turn in count():
            ids = [f"{name}-{turn}-{n}" for n in range(3)]
            now = datetime(2026, 1, 1)
            log.append_predictions(model, [Prediction(each, now, "1", {"x": turn}) for each in ids], partition)
            log.append_labels(model, [LabelEvent(each, turn % 2) for each in ids], partition)
            sys.stdout.write("".join(f"{each}\n" for each in ids))
            sys.stdout.flush()
            if turn + 1 == int(most):
                return


if __name__ == "__main__":
    main(*sys.argv[1:])
