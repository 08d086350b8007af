"""MLflow server plugin: MLflow's own accounts, where only reviewers may move the alias `champion`.

    mlflow server --app-name ratoon-auth …        # in place of basic-auth; the same settings and the same users

Plain basic-auth lets everybody with EDIT on a model move every alias of it. Here setting or deleting `champion`, and
what would move it otherwise (deleting its version, renaming or deleting the model), needs MANAGE; so do the tags that
reviewers speak by. A service account with EDIT may still register versions and set `challenger`. Who moved the alias
stands in the version's tags `reviewed_by` and `reviewed_at`, which no request may write.

The check lies around the registry's store, below every address that MLflow answers on (REST, its pages' own, camel
case, static prefixes), so that none goes round it; without a signed-in user it refuses.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from flask import Flask
    from mlflow.entities.model_registry import ModelVersionTag, RegisteredModel

P = ParamSpec("P")
T = TypeVar("T")

CHAMPION = "champion"
SPOKEN = ("review", "review_reason")  # tags by which a reviewer speaks
KEPT = ("reviewed_by", "reviewed_at", "champion_removed_by")  # written by this server alone
_GUARDED = "_ratoon_guarded"

Given = Mapping[str, Any]  # a method's arguments by name; MLflow's stores declare no types


class Store(Protocol):
    """What the guard asks of the registry's store."""

    def get_registered_model(self, name: str) -> RegisteredModel:
        """The model, with its aliases."""

    def set_model_version_tag(self, name: str, version: str, tag: ModelVersionTag) -> None:
        """Set a tag of a version."""


def create_app(app: Flask | None = None) -> Flask:
    """The MLflow application with accounts and the guard; `mlflow server` calls it in each of its workers."""
    from mlflow.server import app as plain
    from mlflow.server import auth, handlers

    made: Flask = auth.create_app(app if app is not None else plain)
    guard(type(handlers._get_model_registry_store()))
    return made


def guard(store: type[Store]) -> None:
    """Put the checks around the methods of the registry's *store* by which a champion may come or go."""
    if getattr(store, _GUARDED, False):
        return
    for name, before in _CHECKS.items():
        setattr(store, name, _checked(getattr(store, name), before))
    for name, around in _AROUND.items():
        setattr(store, name, around(getattr(store, name)))
    setattr(store, _GUARDED, True)


def _checked(
    method: Callable[Concatenate[Store, P], T], before: Callable[[Store, Given], None]
) -> Callable[Concatenate[Store, P], T]:
    @functools.wraps(method)
    def checked(self: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
        before(self, _named(method, self, args, kwargs))
        return method(self, *args, **kwargs)

    return checked


def _named(method: Callable[..., object], self: Store, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Given:
    return inspect.signature(method).bind(self, *args, **kwargs).arguments


def _alias(store: Store, given: Given) -> None:
    if str(given["alias"]).lower() == CHAMPION:
        _managers_only(given["name"], "move the alias champion")


def _version(store: Store, given: Given) -> None:
    if _champion(store, given["name"]) == str(given["version"]):
        _managers_only(given["name"], "delete the version that serves")


def _model(store: Store, given: Given) -> None:
    if _champion(store, given["name"]) is not None:
        _managers_only(given["name"], "rename or delete a model that has a champion")


def _tag(store: Store, given: Given) -> None:
    tag = given.get("tag")
    _key(given["name"], str(given["key"] if tag is None else tag.key))


def _tags(store: Store, given: Given) -> None:
    for tag in given.get("tags") or ():
        _key(given["name"], str(tag.key))


def _key(model: str, key: str) -> None:
    if key in KEPT:
        _refuse(f"the tag {key} is written by this server alone")
    if key in SPOKEN:
        _managers_only(model, f"set the tag {key}")


_CHECKS: dict[str, Callable[[Store, Given], None]] = {
    "set_registered_model_alias": _alias,
    "delete_registered_model_alias": _alias,
    "delete_model_version": _version,
    "delete_registered_model": _model,
    "rename_registered_model": _model,
    "set_model_version_tag": _tag,
    "delete_model_version_tag": _tag,
    "create_model_version": _tags,
}


def _champion(store: Store, model: str) -> str | None:
    found = store.get_registered_model(model).aliases.get(CHAMPION)
    return None if found is None else str(found)


def _managers_only(model: str, what: str) -> None:
    from mlflow.server import auth

    who = _who()
    if who is None:
        _refuse(f"only a signed-in user may {what}")
    admin: bool = auth.sender_is_admin()  # type: ignore[no-untyped-call]
    if not admin and not auth._get_registered_model_or_prompt_permission(model).can_manage:
        _refuse(f"{who} may not {what} of {model!r}: it needs MANAGE on the model, which reviewers have")


def _who() -> str | None:
    from flask import g, has_request_context

    return g.get("mlflow_authenticated_user") if has_request_context() else None


def _refuse(why: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    raise MlflowException(f"Permission denied: {why}.", PERMISSION_DENIED)


def _copying_no_names(method: Callable[..., T]) -> Callable[..., T]:
    """A version made from another (MLflow's `copy_model_version`) brings its tags along, but not who spoke of it."""

    @functools.wraps(method)
    def kept(self: Store, *args: object, **kwargs: object) -> T:
        given = dict(_named(method, self, args, kwargs))
        if str(given.get("source")).startswith("models:/") and given.get("tags"):
            given["tags"] = [tag for tag in given["tags"] if tag.key not in (*KEPT, *SPOKEN)]
        given.pop("self", None)
        return method(self, **given)

    return kept


def _keeping_who(method: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    @functools.wraps(method)
    def kept(self: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
        given = _named(method, self, args, kwargs)
        done = method(self, *args, **kwargs)
        if given["alias"] == CHAMPION:
            _keep(self, given["name"], str(given["version"]), "reviewed_by")
        return done

    return kept


def _keeping_who_removed(method: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    @functools.wraps(method)
    def kept(self: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
        given = _named(method, self, args, kwargs)
        before = _champion(self, given["name"]) if given["alias"] == CHAMPION else None
        done = method(self, *args, **kwargs)
        if before is not None:
            _keep(self, given["name"], before, "champion_removed_by")
        return done

    return kept


def _keeping_who_spoke(method: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    @functools.wraps(method)
    def kept(self: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
        given = _named(method, self, args, kwargs)
        done = method(self, *args, **kwargs)
        if given["tag"].key in SPOKEN:
            _keep(self, given["name"], str(given["version"]), "reviewed_by")
        return done

    return kept


_AROUND: dict[str, Callable[[Callable[..., object]], Callable[..., object]]] = {
    "create_model_version": _copying_no_names,
    "set_registered_model_alias": _keeping_who,
    "delete_registered_model_alias": _keeping_who_removed,
    "set_model_version_tag": _keeping_who_spoke,
}


def _keep(store: Store, model: str, version: str, key: str) -> None:
    """Write who it was, and when, past the checks that keep requests from writing it."""
    from mlflow.entities.model_registry import ModelVersionTag

    write = inspect.unwrap(store.set_model_version_tag)
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    for each, value in ((key, _who() or "unknown"), ("reviewed_at", now)):
        write(store, model, version, ModelVersionTag(each, value))  # type: ignore[no-untyped-call]
