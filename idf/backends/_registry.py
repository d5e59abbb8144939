"""Backends by name: those of idf, and those that other packages register as entry points in the group `idf.backends`."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from idf.errors import UserError
from idf.extras import require

from ._backend import Backend
from ._request import ModelSpec

T = TypeVar("T")

OURS = {
    "hf": "idf.backends._hf:HFBackend",
    "vllm": "idf.backends._vllm:VLLMBackend",
    "openai": "idf.backends._openai:OpenAIBackend",
}
GROUP = "idf.backends"


def backend_names() -> list[str]:
    """The names of all backends that are installed, ours first."""
    return [*OURS, *sorted(_others())]


def backend_class(name: str) -> type[Backend]:
    """A backend by its name.

    Raises:
        UserError: There is none of that name, or its package cannot be imported or gives no backend.
    """
    if name in OURS:
        module, _, attribute = OURS[name].partition(":")
        found: type[Backend] = getattr(import_module(module), attribute)
        return found
    others = _others()
    if name not in others:
        raise UserError(f"unknown backend {name!r}: use one of {', '.join(backend_names())}")
    return _loaded(others[name])


def open_backend(spec: ModelSpec, *, spent: int = 0) -> Backend:
    """The backend of a model, loaded; see `Backend.open`."""
    return backend_class(spec.backend).open(spec, spent=spent)


def check_model_spec(spec: ModelSpec, called: str) -> None:
    """Refuse a model that cannot be asked, before anything is loaded.

    Args:
        spec: The model.
        called: What the user wrote to choose its backend, for messages: "--backend vllm", "the teacher vllm".

    Raises:
        UserError: The choice of tokens cannot be left to the backend, or what `Backend.check` finds.
    """
    kind = backend_class(spec.backend)
    if spec.sampling.temperature is None and not kind.may_choose_tokens:
        raise UserError(
            f"temperature=default is for endpoints: {called} needs a number, and 0 takes the likeliest token"
        )
    kind.check(spec)


def require_backend(name: str, called: str) -> None:
    """Refuse to begin where the extra of a backend is not installed.

    Raises:
        UserError: It is not; the sentence says how it is installed.
    """
    extra = backend_class(name).extra
    if extra is not None:
        require(called, extra)


def fingerprint_of(spec: ModelSpec, *, whole: bool = False) -> str:
    """What tells a model from any other; see `Backend.fingerprint`."""
    return backend_class(spec.backend).fingerprint(spec, whole=whole)


def with_options(recipe: type[T], backend: str) -> type[T]:
    """A dataclass with the options of a backend as further keys.

    Args:
        recipe: A frozen dataclass.
        backend: The backend's name.

    Raises:
        UserError: There is no such backend, or an option has the name of a key of the recipe.
    """
    return typing.cast("type[T]", _with_options(typing.cast(Any, recipe), backend))


def options_of(recipe: Any, backend: str) -> dict[str, Any]:
    """The options of a backend that a recipe holds; what it does not hold has its default."""
    options = backend_class(backend).Options
    given = {field.name for field in dataclasses.fields(options)} & vars(recipe).keys()
    return vars(options(**{name: getattr(recipe, name) for name in given}))


@cache
def _with_options(recipe: type, backend: str) -> type:
    options = backend_class(backend).Options
    own, hints = {field.name for field in dataclasses.fields(recipe)}, typing.get_type_hints(options)
    fields: list[tuple[str, Any, Any]] = []
    for field in dataclasses.fields(options):
        if field.name in own:
            raise UserError(
                f"the backend {backend} has an option {field.name}, and so has {recipe.__name__}: it needs another name"
            )
        keys: Any = {"default": field.default, "default_factory": field.default_factory, "metadata": field.metadata}
        fields.append((field.name, hints[field.name], dataclasses.field(**keys)))
    made: type = dataclasses.make_dataclass(recipe.__name__, fields, bases=(recipe,), frozen=True)
    names = own | {name for name, _, _ in fields}
    told = {**getattr(recipe, "others_names", {}), **dict(_told_of_others(backend))}
    made.others_names = {name: words for name, words in told.items() if name not in names}  # type: ignore[attr-defined]
    made.__module__ = recipe.__module__

    # A class that is made on the fly cannot be found by its name in another process.
    def reduced(self: Any) -> tuple[Any, ...]:
        return _again, (recipe, backend, vars(self))

    made.__reduce__ = reduced  # type: ignore[method-assign, assignment]
    return made


def _again(recipe: type, backend: str, values: Mapping[str, Any]) -> Any:
    return _with_options(recipe, backend)(**values)


def _told_of_others(backend: str) -> Iterator[tuple[str, str]]:
    """Options of our other backends, and a sentence on each."""
    for name in OURS:
        if name != backend:
            for field in dataclasses.fields(backend_class(name).Options):
                yield field.name, f"it means something to {name}, and nothing to {backend}"


@cache
def _others() -> dict[str, EntryPoint]:
    """Backends of other packages by name.

    Raises:
        UserError: Two have one name, or one has a name of ours.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in OURS or found.get(entry.name, entry).value != entry.value:
            of = entry.dist.name if entry.dist is not None else entry.value
            raise UserError(f"two backends are called {entry.name}, one of them in {of}: uninstall one")
        found[entry.name] = entry
    return found


def _loaded(entry: EntryPoint) -> type[Backend]:
    try:
        found = entry.load()
    except Exception as error:  # a package of others may fail in any way
        raise UserError(
            f"the backend {entry.name} ({entry.value}) cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Backend)):
        raise UserError(f"the backend {entry.name} ({entry.value}) is no subclass of idf.backends.Backend")
    return found
