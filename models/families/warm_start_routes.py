"""placeholder"""
from typing import Any
def refuse_without_target(last: Any, spec: Any) -> None: ...
def why_scratch_only(last: Any) -> str:
    return f"{type(last).__name__} has no partial_fit, so it cannot continue on new rows"
