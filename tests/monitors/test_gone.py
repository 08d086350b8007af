"""A reference that left the source: it is said, and the profile that the version keeps still tells of columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sensor_stream import FEATURES, changed, pair

from ratoon.data.window import Window
from ratoon.monitors.profile import Profile, kinds_of, profile
from ratoon.monitors.quality import Quality
from ratoon.monitors.rows.gone import drawn
from ratoon.spec.keys.watching import QualitySpec


def learned(reference: Window) -> Profile:
    """As a version keeps it."""
    known = profile(reference, kinds_of(reference.frame, FEATURES))
    return known.model_copy(update={"reference": reference.rows})


def left(reference: Window, share: float) -> Window:
    frame = reference.frame.sample(frac=share, random_state=0).sort_values("_time", ignore_index=True)
    return replace(reference, frame=frame, rows=len(frame), labelled=len(frame))


def told(reference: Window, current: Window, known: Profile) -> dict[tuple[str, str | None], str]:
    return {(s.metric, s.column): s.status for s in Quality(QualitySpec(), FEATURES, known)(reference, current)}


@pytest.mark.parametrize(
    ("share", "status"), [(0.0, "fail"), (0.01, "fail"), (0.1, "fail"), (0.4, "warn"), (0.9, None)]
)
def test_a_reference_that_left_in_part_is_told_by_how_much(share: float, status: str | None) -> None:
    reference, current = pair()

    assert told(left(reference, share), current, learned(reference)).get(("reference", None)) == status


FAULTS = {
    "a stand-in": ("out_of_range", "temp", lambda f: f["temp"].where(f.index % 20 > 0, -999.0)),
    "another unit": ("out_of_range", "temp", lambda f: f["temp"] * 1000),
    "missing": ("missing_share", "temp", lambda f: f["temp"].where(f.index % 2 > 0)),
    "frozen": ("constant", "temp", lambda f: f["temp"] * 0 + float(f["temp"].iloc[0])),
    "new names": ("new_categories", "weather", lambda f: f["weather"].where(f.index % 2 > 0, "X")),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("share", [0.0, 0.01])
def test_the_profile_still_tells_of_columns(name: str, share: float) -> None:
    metric, column, change = FAULTS[name]
    reference, current = pair()
    broken = changed(current, **{column: change(current.frame)})

    assert told(left(reference, share), broken, learned(reference)).get((metric, column)) == "fail"
    sound = told(left(reference, share), current, learned(reference))
    assert {key for key, status in sound.items() if status == "fail"} == {("reference", None)}


def test_drawn_rows_have_what_the_profile_has() -> None:
    reference, _ = pair()
    frame = reference.frame.assign(temp=reference.frame["temp"].where(reference.frame.index % 4 > 0))
    known = learned(replace(reference, frame=frame))

    again = profile(drawn(known, reference.span), kinds_of(reference.frame, FEATURES))

    for column, was in known.columns.items():
        assert again.columns[column].missing == pytest.approx(was.missing, abs=0.01)
        assert np.allclose(again.columns[column].edges, was.edges, rtol=0.05, atol=0.5)
        assert again.columns[column].categories == pytest.approx(was.categories, abs=0.01)
