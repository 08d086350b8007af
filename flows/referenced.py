"""Give a trained version its reference window: what it will be held against when it serves."""

from __future__ import annotations

from dataclasses import replace

from ..data.view import View
from ..models.trained import Trained
from ..monitors.profile import profile
from .care import Care
from .look import reference_span


def referenced(care: Care, view: View, trained: Trained) -> Trained:
    """*trained* with the reference window that ends at its watermark, and the profile of that window."""
    span = reference_span(view, care.spec.monitors, trained.state.watermark)
    window = view.window(span, name="reference")
    seen = profile(window, {feature.name: feature.kind for feature in trained.state.features})
    state = trained.state.model_copy(update={"reference": span, "profile": seen.model_dump(mode="json")})
    return replace(trained, state=state)
