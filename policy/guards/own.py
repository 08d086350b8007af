"""Guards of a team's own: how the spec names them, and how they are asked.

    class Weekend:
        name = "weekend"

        def __init__(self, days: tuple[int, ...] = (5, 6)) -> None:
            self.days = days

        def __call__(self, case: Case) -> str | None:
            return "nobody reviews at the weekend" if case.now.weekday() in self.days else None

A guard is pure: the same case, the same answer, so that a decision can be taken again out of the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ...spec.errors import SpecError
from ...spec.keys.rules import OwnGuardSpec
from ...spec.model import Spec
from ...spec.unexpected import users_code, worded
from ...spec.user_code import check_own, make_own
from .built_in import BUILT_IN_GUARDS as BUILT_IN_GUARDS
from .case import Case, Guard, Veto

GROUP = "ratoon.guards"  # of entry points: packages that bring a guard
_CALL = "__call__(self, case) that returns why the rule is held back, or None"
Makes = Callable[[OwnGuardSpec], Guard]


class OwnGuard(Protocol):
    """A guard: *name* is that of its answers."""

    name: str

    def __call__(self, case: Case) -> str | None:
        """Why the rule is held back, in words; None: it may fire. *case* holds nothing of later than `case.now`."""


class Asked:
    """A team's own guard as the policy asks it: one that raises or answers anything else holds its rule back."""

    name: ClassVar[str]

    def __init__(self, guard: OwnGuard) -> None:
        self.name = guard.name  # type: ignore[misc]  # each has a name of its own
        self._guard = guard

    def said(self, case: Case) -> str:
        """That it passes: why it would not is its own answer."""
        return "passed"

    def __call__(self, case: Case) -> Veto | None:
        """Its veto, if it has one."""
        try:
            with users_code():
                answer: Any = self._guard(case)
        except Exception as error:
            return Veto(f"it raised {worded(error)}")
        if answer is None:
            return None
        if not isinstance(answer, str):
            return Veto(f"it returned {type(answer).__name__}; expected why the rule is held back, or None")
        return Veto(answer.strip() or "it gives no reason")


class Broken:
    """A guard that cannot be made: nobody knows what it would have said, so its rule is held back."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self._why = name, why

    def said(self, case: Case) -> str:
        """Why it cannot be asked."""
        return self._why

    def __call__(self, case: Case) -> Veto | None:
        """Always: see the class."""
        return Veto(self._why)


def make_guard(asked: OwnGuardSpec, folder: Path, where: str) -> OwnGuard:
    """The guard that *asked* names, from *folder*. Raises SpecError with *where* and what it lacks."""
    guard: OwnGuard = make_own(asked, GROUP, folder, where)
    check_own(guard, f"{where}: {asked.use!r}", BUILT_IN_GUARDS, _CALL)
    return guard


def guards_from(folder: Path, where: str) -> Makes:
    """A function that makes the guards a rule names; each once, and one that cannot be made holds its rule back."""
    made: dict[str, Guard] = {}

    def make(asked: OwnGuardSpec) -> Guard:
        key = json.dumps([asked.use, dict(asked.settings)], sort_keys=True, default=str)
        if key not in made:
            try:
                made[key] = Asked(make_guard(asked, folder, where))
            except SpecError as error:
                made[key] = Broken("own", str(error))  # type: ignore[assignment]  # a name of its own, as above
        return made[key]

    return make


def check_guards(spec: Spec) -> list[str]:
    """The names of all guards of the team's own in the spec's policy. Raises SpecError for one that cannot be made."""
    return [
        make_guard(each, spec.folder, f"{spec.path}: policy[{number}].own").name
        for number, rule in enumerate(spec.deciding.rules)
        for each in rule.own
    ]


def none_known(asked: OwnGuardSpec) -> Guard:
    """For whoever decides without a spec's folder: the rule is held back."""
    why = f"{asked.use!r} is a guard of the team's own, which cannot be found without the spec"
    return Broken("own", why)  # type: ignore[return-value]  # a name of its own, as above
