"""`data: {source: log}`: the log names its own columns, so that most keys may be left out, and some have no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .relative import LOG

_NAMES = {"id": "row_id", "time": "time"}
_LABEL_TIME = "label_time"
_WITHOUT_MEANING = {
    "url": "the log is found by stores.log",
    "table": "the log has tables of its own",
    "time_unit": "the log's times are timestamps",
    "label_delay": "the log knows when each label arrived",
    "csv": "the log is no CSV file",
}


def of_log(value: object) -> object:
    """The keys of `data` as they were written; with `source: log` those that may be left out are filled in.

    Raises ValueError for a key that has no meaning there.
    """
    if not isinstance(value, Mapping):
        return value
    labels = value.get("labels")
    if value.get("source") != LOG:
        if isinstance(labels, Mapping) and labels.get("source") == LOG:
            raise ValueError("`labels.source` is `log`, and `source` is not; expected both, or neither")
        return value
    for key, why in _WITHOUT_MEANING.items():
        if value.get(key) is not None:
            raise ValueError(f"`{key}` has no meaning with `source: log`: {why}. Leave it out")
    row_id = value.get("id")
    if isinstance(row_id, list | tuple) and len(row_id) > 1:
        raise ValueError("`id` is several columns; a row of the log has one id. Leave it out")
    filled = {**_NAMES, **value}
    if value.get("target") is not None:
        filled.setdefault("label_time", _LABEL_TIME)
        filled["labels"] = _labels(labels)
    return filled


def _labels(value: object) -> object:
    if value is None:
        return {"source": LOG}
    if not isinstance(value, Mapping):
        return value
    for key in ("url", "table", "csv", "id"):
        if value.get(key) is not None:
            raise ValueError(f"`labels.{key}` has no meaning with `source: log`. Leave it out")
    if value.get("source", LOG) != LOG:
        raise ValueError("`source` is `log`, and `labels.source` is not; the log has the labels as well. Leave it out")
    return {**value, "source": LOG}


def log_schema(schema: dict[str, Any]) -> None:
    """In the JSON schema: `id` and `time` are required, unless `source` is `log`."""
    required = schema.pop("required", [])
    schema["anyOf"] = [
        {"properties": {"source": {"const": LOG}}, "required": ["source"]},
        {"required": required},
    ]
