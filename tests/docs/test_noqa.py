"""Every exception from the security rules says why."""

from __future__ import annotations

import re

from blocks import DOCS


def test_every_exception_from_a_security_rule_carries_its_reason() -> None:
    bare = []
    for file in sorted(DOCS.parent.rglob("*.py")):
        if {".git", ".venv", "build"} & set(file.relative_to(DOCS.parent).parts):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if re.search(r"# noqa: S\d+\W*$", line):
                bare.append(f"{file.relative_to(DOCS.parent)}:{number}")
    assert bare == []
