"""Give a trained version what it will be held against when it serves: its reference window and its history."""

from __future__ import annotations

from dataclasses import replace

from ...data.sources.moment import EARLIEST, TICK
from ...data.view import View
from ...models.learning.trained import Trained
from ...monitors.profile import profile
from ...spec.values import Span
from ..context import ModelContext
from ..excluded import impossible
from ..observe.windows import reference_span, sound


def referenced(context: ModelContext, view: View, trained: Trained) -> Trained:
    """*trained* with the reference window that ends at its watermark, and the profile of all rows up to there."""
    span = reference_span(view, context.spec.monitors, trained.state.watermark)
    history = view.window(Span(start=EARLIEST, end=trained.state.watermark), name="history")
    history = sound(
        history, impossible(context.ledger.decisions.evaluations(context.spec.model, before=view.now + TICK))
    )
    seen = profile(history, {feature.name: feature.kind for feature in trained.state.features})
    seen = seen.model_copy(update={"reference": view.window(span, sample=1).rows})
    state = trained.state.model_copy(update={"reference": span, "profile": seen.model_dump(mode="json")})
    return replace(trained, state=state)
