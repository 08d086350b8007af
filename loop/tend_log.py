"""What a monitoring run does for the log that is its model's data: seal closed days, let go of what is too old."""

from __future__ import annotations

from ..log.log import open_log
from ..spec.errors import RatoonError
from .context import Stores


def tend_log(context: Stores) -> tuple[str, ...]:
    """Seal and prune as the spec's `log` says; what was done, in words.

    It never stops a monitoring run: what cannot be done is said, and tried again the next time.
    """
    spec = context.spec
    if not spec.data.logged:
        return ()
    try:
        with open_log(context.stores.log) as log:
            sealed = log.seal(spec.model, spec.log.seal_after)
            gone = log.prune(spec.model, spec.log.keep) if spec.log.keep is not None else 0
    except (RatoonError, OSError) as error:
        context.listener.warning(f"The log's days were not, or not all, sealed: {error}")
        return ()
    said = [f"sealed {len({each.day for each in sealed})} days of the log"] if sealed else []
    return (*said, *([f"let go of {gone} old rows of the log"] if gone else []))
