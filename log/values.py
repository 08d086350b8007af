"""Features, predictions and labels as JSON text, and the kinds of value that a column has held."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Literal

from ..spec.errors import BadInput

Kind = Literal["boolean", "integer", "number", "text", "json", "missing"]
Scalar = bool | int | float | str | None

_INFINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def feature_text(features: Mapping[str, object], kinds: dict[tuple[str, Kind], None]) -> str:
    """*features* as a JSON object; the kind of each value is added to *kinds*, in order.

    What is missing (None, NaN, NaT) is null, an infinite number the text that Python and PostgreSQL read as one.
    Raises BadInput for a value that is no scalar.
    """
    plain: dict[str, Scalar] = {}
    for name, value in features.items():
        kind, plain[name] = scalar(value)
        if kind == "json":
            raise BadInput(
                f"features: {name!r} is a {type(value).__name__}; expected a number, a boolean, text or nothing. "
                "Nothing was written"
            )
        kinds[name, kind or "missing"] = None
    return _dumps(plain)


def label_text(value: object) -> tuple[Kind, str]:
    """A label's kind and JSON text. Raises BadInput for one that is missing or no scalar."""
    kind, plain = scalar(value)
    if kind is None or kind == "json" or (kind == "number" and isinstance(plain, str)):
        raise BadInput(
            f"label: found {value!r}; expected a finite number, a boolean or text. A row without a label yet needs no "
            "event. Nothing was written"
        )
    return kind, _dumps(plain)


def prediction_text(value: object) -> tuple[Kind | None, str | None]:
    """What was served as JSON text with its kind; (None, None) for nothing. Raises BadInput if JSON cannot hold it."""
    kind, plain = scalar(value)
    if kind is None:
        return None, None
    if kind != "json":
        return kind, _dumps(plain)
    try:
        return kind, _dumps(_nested(value))
    except (TypeError, ValueError) as error:
        raise BadInput(f"prediction: {value!r} cannot be written as JSON ({error}). Nothing was written") from None


def scalar(value: object) -> tuple[Kind | None, Scalar]:
    """A value's kind (None: missing) and the value as JSON holds it; kind `json` for what is no scalar."""
    if value is None:
        return None, None
    kind = type(value)
    if kind is str:
        return "text", _clean(value)  # type: ignore[arg-type]
    if kind is float:
        return _number(value)  # type: ignore[arg-type]
    if kind is bool:
        return "boolean", value  # type: ignore[return-value]
    if kind is int:
        return _whole(value)  # type: ignore[arg-type]
    return _foreign(value)


def _foreign(value: object) -> tuple[Kind | None, Scalar]:
    """NumPy's and pandas' scalars, decimals, and subclasses of Python's own."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 0) == 0:
        return scalar(item())
    if isinstance(value, str):
        return "text", _clean(str(value))
    if isinstance(value, numbers.Integral):
        return _whole(int(value))
    if isinstance(value, numbers.Real) or type(value).__name__ == "Decimal":
        return _number(float(value))  # type: ignore[arg-type]
    if value != value or type(value).__name__ == "NAType":  # NaT
        return None, None
    return "json", None


def _whole(value: int) -> tuple[Kind, Scalar]:
    """Beyond 64 bits, which no engine has, it is read as any number."""
    return ("integer" if -(2**63) <= value < 2**63 else "number"), value


def _number(value: float) -> tuple[Kind | None, Scalar]:
    if math.isfinite(value):
        return "number", value
    return ("number", _INFINITE[value]) if value == value else (None, None)


def _clean(text: str) -> str:
    """PostgreSQL holds no NUL, and neither database half of a surrogate pair."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _nested(value: object) -> object:
    kind, plain = scalar(value)
    if kind != "json":
        return plain
    if isinstance(value, Mapping):
        return {str(key): _nested(each) for key, each in value.items()}
    if isinstance(value, Iterable):
        return [_nested(each) for each in value]
    raise TypeError(f"no JSON for {type(value).__name__}")


def as_kind(value: object, kind: Kind) -> Scalar:
    """*value*, read from JSON, as a column of *kind* has it."""
    if value is None:
        return None
    if kind == "text":
        return value if isinstance(value, str) else _dumps(value)
    if kind == "json":
        return _dumps(value)
    if kind == "number":
        return float(value)  # type: ignore[arg-type]  # a number, a boolean, or "Infinity"
    return value  # type: ignore[return-value]


def common(kinds: Iterable[Kind]) -> Kind:
    """The kind of a column that has held values of all *kinds*; a number if it never held any."""
    found = set(kinds) - {"missing"} or {"number"}
    if len(found) == 1:
        return found.pop()
    if "json" in found:
        return "json"
    return "text" if "text" in found else "number" if "number" in found else "integer"
