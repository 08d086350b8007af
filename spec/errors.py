"""Everything that Ratoon raises on purpose.

    RatoonError
    ├── BadInput             what the user wrote or pointed at cannot be used (exit code 2)
    │   ├── SpecError        the spec's YAML: file, key, value, what was expected
    │   └── DataError        the data behind the spec: column, type, what was expected
    └── Refused              Ratoon could go on, but must not (exit code 1)
        ├── ContractBroken   the training state does not fit the rows: a continued fit would be wrong
        ├── Unavailable      a store does not answer or cannot be written: later it may
        ├── TrainingDied     training took more than it may, or its process ended: nothing was registered
        └── RegistryError    the registry is not in the state that a step needs
            ├── NotAllowed   the account that Ratoon uses there may not do it
            └── AliasMoved   somebody else moved the champion alias meanwhile

A retraining that is held back is a Decision, not an exception.
"""

from __future__ import annotations

from .masked import masked


class RatoonError(Exception):
    """Root of the tree: catch this to catch all that Ratoon raises on purpose.

    Passwords in the addresses that a message names are masked, since messages reach logs and pages.
    """

    def __init__(self, *words: object) -> None:
        super().__init__(*(masked(each) if isinstance(each, str) else each for each in words))


class BadInput(RatoonError):
    """What the user wrote or pointed at cannot be used; nothing was changed."""


class SpecError(BadInput):
    """The spec cannot be used; the message names file, key, value and what was expected."""


class DataError(BadInput):
    """The data cannot be used as the spec says; the message names the column and the next step."""


class Refused(RatoonError):
    """Going on would break a promise; nothing was changed."""


class ContractBroken(Refused):
    """The training state and the rows disagree, so that a continued fit would be wrong."""


class Unavailable(Refused):
    """A store (the ledger's database, a server) does not answer or cannot be written; nothing was changed."""


class TrainingDied(Refused):
    """Training took more than it may, crashed, or was killed; what it took until then is known.

    *cpu_seconds* is the whole process's; *peak_memory_bytes* the most memory it was seen to hold, None if unknown.
    """

    def __init__(self, message: str, *, cpu_seconds: float = 0.0, peak_memory_bytes: int | None = None) -> None:
        super().__init__(message)
        self.cpu_seconds = cpu_seconds
        self.peak_memory_bytes = peak_memory_bytes


class RegistryError(Refused):
    """The registry lacks what a step needs, such as a champion."""


class NotAllowed(RegistryError):
    """The account that Ratoon uses in the registry may not do it: a reviewer has to."""


class AliasMoved(RegistryError):
    """Somebody else moved the alias `champion` while a version was made ready to get it: theirs stands."""
