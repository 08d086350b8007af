"""The default policy as the text of a spec: what `ratoon init` writes, so that it is there to be changed."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from ...spec.keys.rules import DEFAULT_POLICY, Rule


def policy_text(rules: Sequence[Rule] = DEFAULT_POLICY) -> str:
    """The key `policy` with *rules*, as lines of YAML without a last line break."""
    lines = [
        "policy:                            # the default: the first rule that holds, and that no guard stops, decides"
    ]
    for rule in rules:
        given = rule.model_dump(mode="json", exclude_defaults=True)
        keys = ["when", "do", *(key for key in given if key not in ("when", "do"))]
        written = [f"{key}: {_scalar(given[key])}" for key in keys]
        lines += [f"  - {written[0]}", *(f"    {line}" for line in written[1:])]
    return "\n".join(lines)


def _scalar(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
