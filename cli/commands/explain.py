"""`ratoon policy explain`: the variables that rules may use, with what each is worth now."""

from __future__ import annotations

import json
from datetime import datetime

from rich.table import Table

from ...ledger.ledger import Ledger
from ...policy.rules.explain import Explained, explain
from ...spec.model import Spec
from ...spec.stores import stores_of
from ..terminal import Terminal

out = Terminal()


def explain_policy(spec: Spec, as_json: bool) -> None:
    """Print every variable with its value in the newest decision, its type and its meaning; then the rules."""
    at, seen = _newest(spec)
    found = explain(seen)
    if as_json:
        out.print_json(
            data={
                "policy": spec.policy_version,
                "at": at.isoformat() if at else None,
                "variables": [vars(each) for each in found],
                "rules": [
                    {"id": rule_id, **rule.model_dump(mode="json", exclude_none=True)}
                    for rule_id, rule in zip(spec.deciding.rule_ids, spec.policy, strict=True)
                ],
            }
        )
        return
    when = f"values as of the decision at {at:%Y-%m-%d %H:%M} UTC" if at else "no decision yet, so no values"
    table = Table(title=f"{spec.model}, policy {spec.policy_version}: {when}", title_justify="left")
    table.add_column("variable", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("type", no_wrap=True)
    table.add_column("meaning", overflow="fold")
    for each in found:
        table.add_row(each.name, _value(each), each.type, each.meaning)
    out.print(table)
    for number, rule in enumerate(spec.policy, start=1):
        guards = rule.model_dump(mode="json", exclude_none=True, exclude_unset=True, exclude={"when", "do"})
        held = f"  guards: {json.dumps(guards)}" if guards else ""
        out.print(f"rule {number}: when {rule.when}  do {rule.do}{held}", highlight=False)


def _newest(spec: Spec) -> tuple[datetime | None, dict[str, object] | None]:
    with Ledger.open(stores_of(spec).ledger) as ledger:
        made = [decision for decision in ledger.decisions.of(spec.model, 50) if decision.facts]
    return (made[-1].at, made[-1].facts) if made else (None, None)


def _value(each: Explained) -> str:
    if each.value is None:
        return "–"
    return f"{each.value:.4g}" if isinstance(each.value, float) else json.dumps(each.value, default=str)
