"""What the file of a version may name when it is loaded: reviewed types, and those that the spec allows beside them.

skops is no sandbox; whoever may write the registry is trusted. The list still keeps a version from naming
types of its own: it is never taken from the model file nor from skops' own `get_untrusted_types`. Each family states
its own (`Family.reviewed_types`): what stands there holds numbers only and runs no code of the file's choosing when it
is rebuilt. Trees read node indices from the file unchecked, so that a crafted file can crash a process (skops'
documentation says so); they cannot run code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...spec.family import ANY_TYPE


@dataclass(frozen=True)
class Trust:
    """*allowed*: `learner.trusted`, and `*` for `learner.pickle`. *reviewed*: types by the class of estimator that
    brings them. *modules*: the libraries whose classes are meant by those names."""

    allowed: tuple[str, ...] = ()
    reviewed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()

    @property
    def anything(self) -> bool:
        """Whether pickles and code may be loaded."""
        return ANY_TYPE in self.allowed

    def types(self) -> list[str]:
        """All reviewed types and the spec's own, sorted."""
        return sorted({each for types in self.reviewed.values() for each in types} | set(self.allowed))

    def types_for(self, estimator: object) -> list[str]:
        """The reviewed types of the classes that *estimator* is built of, and the spec's own, sorted."""
        parts = [estimator]
        if hasattr(estimator, "get_params"):
            parts += list(estimator.get_params(deep=True).values())
        names = {type(part).__name__ for part in parts if type(part).__module__.split(".")[0] in self.modules}
        return sorted({each for name in names for each in self.reviewed.get(name, ())} | set(self.allowed))
