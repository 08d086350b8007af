"""One model under care: its spec with ledger, registry and data opened together and closed together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from ..data.metrics.own import metric_of
from ..data.source import Source, open_source
from ..data.sources.layout import Kind
from ..ledger.ledger import Ledger
from ..models.registry.in_memory import InMemoryRegistry
from ..models.registry.versions import Versions
from ..spec.model import Spec
from ..spec.private import private_files, private_folder
from ..spec.stores import StoreAddresses, stores_of
from .listener import SILENT, Listener
from .on_record import OnRecord


@dataclass(frozen=True)
class Stores:
    """What is kept of one model, without its data: enough to see what reviewers did.

    *listener* hears what is done with it.
    """

    spec: Spec
    stores: StoreAddresses
    ledger: Ledger
    registry: Versions
    listener: Listener = field(default=SILENT, kw_only=True, repr=False, compare=False)


@dataclass(frozen=True)
class ModelContext(Stores):
    """Everything that a turn of the loop needs about one model.

    *notes* say what was settled before a first version, and belong to its reasons.
    """

    source: Source
    notes: tuple[str, ...] = field(default=(), kw_only=True)


@contextmanager
def open_stores(spec: Spec, listener: Listener = SILENT) -> Iterator[Stores]:
    """Open ledger and registry of *spec*; its data is not looked at, and may be broken."""
    from ..models.registry.mlflow_registry import Registry

    stores = stores_of(spec)
    with private_files():
        registry = Registry.open(spec)
        private_folder(stores.home)
    with private_files(), Ledger.open(stores.ledger) as ledger:
        registry.witness = OnRecord(ledger, spec.model)
        yield Stores(spec, stores, ledger, registry, listener=listener)


@contextmanager
def open_context(spec: Spec, listener: Listener = SILENT, *, one_read: bool = False) -> Iterator[ModelContext]:
    """Open the stores and the data of *spec*. With *one_read* each thing in the registry is read once: see `Versions`.

    Raises DataError where the data is not as the spec says, before anything is written.
    """
    # Here, since MLflow takes seconds to import and a backtest needs none.
    from ..models.families.choose import check_family
    from ..models.registry.mlflow_registry import Registry

    check_family(spec)
    metric_of(spec)  # one of the team's own that cannot be made is refused before anything is written

    stores = stores_of(spec)
    with ExitStack() as stack:
        stack.enter_context(private_files())
        registry = Registry.open(spec)
        if one_read:
            stack.enter_context(registry.one_read())
        ours = _is_ours(registry)
        spec = as_learned(spec, registry) if ours else spec
        source = None if ours else stack.enter_context(open_source(spec))  # before anything is written
        private_folder(stores.home)
        ledger = stack.enter_context(Ledger.open(stores.ledger))
        registry.witness = OnRecord(ledger, spec.model)
        if source is None:
            source = stack.enter_context(open_source(spec, expected=_features(registry)))
        yield ModelContext(spec, stores, ledger, registry, source, listener=listener)


@contextmanager
def simulated(spec: Spec) -> Iterator[ModelContext]:
    """Open the data of *spec*, with a ledger and a registry in memory that end with the block.

    For a backtest: the live stores are not touched, and nothing is written to disk.
    """
    metric_of(spec)
    with ExitStack() as stack:
        source = stack.enter_context(open_source(spec, held=True))
        ledger = stack.enter_context(Ledger.open("sqlite://"))
        yield ModelContext(spec, stores_of(spec), ledger, InMemoryRegistry(spec), source)


def _is_ours(registry: Versions) -> bool:
    """Whether Ratoon made the champion; someone else's may be adopted yet."""
    champion = registry.champion()
    return champion is not None and champion.meta.made_by_ratoon


def as_learned(spec: Spec, registry: Versions) -> Spec:
    """*spec*, which may leave out `data.mature_after`, with the age that the champion's lineage learned by."""
    age = registry.load().state.mature_after if spec.data.mature_after is None else timedelta(0)
    return spec.maturing(age) if age else spec


def _features(registry: Versions) -> dict[str, Kind] | None:
    """The features of a champion that Ratoon made, so that a column that vanished from the data is missed."""
    if not _is_ours(registry):
        return None
    return {feature.name: feature.kind for feature in registry.load().state.features}
