"""Recipes: YAML files read into typed, validated dataclasses. A wrong key is an error that names the nearest right one."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from idf.errors import UserError
from idf.files import read_text

T = TypeVar("T")
_Place = Callable[[str], str]
"""A dotted key -> where its value was written, for messages."""

Resumed = Literal["exact", "weights"]
"""What of a run carries over where a key differs: everything, or all but the optimizer's moments."""


def key(
    default: Any = MISSING,
    *,
    factory: Callable[[], Any] | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    may_change: Resumed | None = None,
    help: str = "",
    repeated: bool = False,
) -> Any:
    """A key of a recipe, with all that is checked of it.

    Args:
        default: Its value where the recipe says nothing.
        factory: Makes that value, for lists and sections.
        least: The least that a number may be.
        above: What it must be above.
        most: The most that it may be.
        below: What it must be below.
        may_change: Whether it may differ when a run is resumed: "exact" if the result does not depend on it, "weights" if
            the optimizer's moments are lost; None for never.
        help: What it is, for a command line that has it as an option (`idf.options`).
        repeated: Whether that option may be given several times, each time for one text of a list.
    """
    limits = {"least": least, "above": above, "most": most, "below": below}
    metadata = {
        "limits": {name: limit for name, limit in limits.items() if limit is not None},
        "may_change": may_change,
        "help": help,
        "repeated": repeated,
    }
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def check_ranges(recipe: Any, prefix: str = "") -> None:
    """Refuse a number outside of the limits that its key has, in sections and lists too.

    Args:
        recipe: A recipe, whose keys were made by `key`.
        prefix: What stands before its keys in a message, such as "hook.".

    Raises:
        UserError: It is outside.
    """
    for field in dataclasses.fields(recipe):
        value, limits = getattr(recipe, field.name), field.metadata.get("limits", {})
        if dataclasses.is_dataclass(value):
            check_ranges(value, f"{prefix}{field.name}.")
        for number in value if isinstance(value, list) else [value]:
            if limits and number is not None and not _within(number, limits):
                null = (
                    ", or null"
                    if type(None) in typing.get_args(typing.get_type_hints(type(recipe))[field.name])
                    else ""
                )
                raise UserError(f"{prefix}{field.name} must be {_in_words(limits)}{null}, not {number}")


def _within(number: float, limits: Mapping[str, float]) -> bool:
    return (
        limits.get("least", -math.inf) <= number <= limits.get("most", math.inf)
        and not number <= limits.get("above", -math.inf)
        and not number >= limits.get("below", math.inf)
    )


def _in_words(limits: Mapping[str, float]) -> str:
    words = {"least": "at least", "above": "above", "most": "at most", "below": "below"}
    return " and ".join(f"{words[name]} {'zero' if limit == 0 else f'{limit:,}'}" for name, limit in limits.items())


@dataclass(frozen=True)
class Difference:
    """A key that a resumed run has with another value.

    Attributes:
        key: Its name, with its section.
        begun: The value that the run was begun with.
        now: The value now.
        may_change: What the key says of that, see `key`.
    """

    key: str
    begun: Any
    now: Any
    may_change: Resumed | None


def differences(recipe: Any, begun: Mapping[str, Any], prefix: str = "") -> Iterator[Difference]:
    """The keys in which a recipe differs from a saved one. A key that the saved one does not have has its default there.

    Args:
        recipe: The recipe now.
        begun: The saved one, as `to_plain` gave it, maybe by an older version.
        prefix: What stands before its keys, such as "hook.".
    """
    fields = {field.name: field for field in dataclasses.fields(recipe)}
    for name, value in begun.items():
        if name not in fields:  # of a newer version: what it means is not known here
            yield Difference(f"{prefix}{name}", value, "unknown here", None)
    for name, field in fields.items():
        now, may_change = getattr(recipe, name), field.metadata.get("may_change")
        default = field.default if field.default_factory is MISSING else field.default_factory()
        before = begun.get(name, to_plain(default) if dataclasses.is_dataclass(default) else default)
        if dataclasses.is_dataclass(now) and isinstance(before, Mapping) and may_change is None:
            yield from differences(now, before, f"{prefix}{name}.")
            continue
        now = to_plain(now) if dataclasses.is_dataclass(now) else now
        if now != before:
            yield Difference(f"{prefix}{name}", before, now, may_change)


def read_recipe(kind: type[T], path: Path | str | None, overrides: Sequence[str] = ()) -> T:
    """Read a recipe file into a dataclass, then apply `key=value` overrides.

    Args:
        kind: The dataclass. Nested dataclasses are sections; fields without default are required. If it has an attribute
            `others_names`, a map of names that other trainers use to a sentence on ours, those names are answered with it. If
            it has a class method `variant`, the values are of the dataclass that this returns for them: one key, such as a
            backend's name, may decide which others there are.
        path: The YAML file; `idf:NAME` for one that comes with idf; None for all defaults.
        overrides: "key=value" or "section.key=value"; values are read as YAML.

    Raises:
        UserError: The file is missing or broken, or a key is unknown or has a value of another type. If the
            dataclass has a method `check`, whatever it raises.
    """
    import yaml  # not above: many rooms know recipes, few read a file

    where = "defaults"
    changes: dict[str, str] = {}
    data: Any = {}
    if path is not None:
        where = str(path)
        try:
            data = yaml.safe_load(read_text(find_recipe(path)))
        except yaml.YAMLError as error:
            raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
        data = {} if data is None else data
        if not isinstance(data, dict):
            raise UserError(f"{path} must be a set of `key: value` lines")
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise UserError(f"{override!r} is not an override: write key=value, for example learning_rate=1e-5")
        target = data
        *sections, last = key.split(".")
        for section in sections:
            if target is data:  # one weight of a map is changed, not all others dropped
                target.setdefault(section, _default_map(kind, section))
            if not isinstance(target.setdefault(section, {}), dict):
                raise UserError(f"{override!r}: {section} is a value, it has no key {last}")
            target = target[section]
        try:
            target[last] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"{override!r}: {value!r} is not YAML") from None
        changes[key] = override

    def at(key: str) -> str:  # a mistake on the command line is none of the file's
        return next((repr(words) for name, words in changes.items() if f"{key}.".startswith(f"{name}.")), where)

    return _checked(_build(kind, data, at, ""))


def shipped_recipes() -> Path:
    """The folder of the recipes that come with idf: inside of an installed package, beside it in a clone."""
    package = Path(__file__).parent
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def find_recipe(path: Path | str) -> Path:
    """The file of a recipe.

    Args:
        path: A file, or `idf:NAME` for one that comes with idf, for example `idf:quickstart/imagery.yaml`.

    Raises:
        UserError: There is none; the nearest one that comes with idf is named.
    """
    shipped, name = shipped_recipes(), str(path).removeprefix("idf:")
    found = shipped / name if str(path).startswith("idf:") else Path(path)
    if found.is_file() and (found == Path(path) or found.resolve().is_relative_to(shipped.resolve())):
        return found
    names = sorted(file.relative_to(shipped).as_posix() for file in shipped.rglob("*.yaml"))
    near = difflib.get_close_matches(name.removeprefix("recipes/"), names, n=1, cutoff=0.0)
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder, and a recipe is a file: name a .yaml in it")
    raise UserError(f"no recipe at {path}; of those that come with idf, idf:{near[0]} is the nearest name")


def build_recipe(kind: type[T], data: Any, where: str) -> T:
    """Plain values into a dataclass.

    Args:
        kind: The dataclass.
        data: A map of its keys.
        where: Where the values come from, for messages.

    Raises:
        UserError: A key is unknown or has a value of another type. If the dataclass has a method `check`, whatever it raises.
    """
    return _checked(_build(kind, data, lambda key: where, ""))


def _checked(recipe: T) -> T:
    if check := getattr(recipe, "check", None):
        check()
    return recipe


def _default_map(kind: type, key: str) -> dict[str, Any]:
    """The default of a key whose value is a map; empty for all other keys."""
    for field in dataclasses.fields(kind):
        if field.name == key and field.default_factory is not MISSING:
            default = field.default_factory()
            return dict(default) if isinstance(default, dict) else {}
    return {}


def to_plain(recipe: Any) -> dict[str, Any]:
    """A recipe as plain JSON values, to be saved with whatever it produced."""
    return dataclasses.asdict(recipe)


def _build(kind: type[T], data: Any, where: _Place, prefix: str) -> T:
    if not isinstance(data, Mapping):
        raise UserError(f"{where(prefix)}: {prefix or 'the recipe'} must be a set of `key: value` lines, not {data!r}")
    if variant := getattr(kind, "variant", None):
        kind = variant(data)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in data.items():
        if key not in fields:
            if told := getattr(kind, "others_names", {}).get(str(key)):
                raise UserError(f"{where(prefix + str(key))}: there is no key {prefix}{key} here: {told}")
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.4)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(fields)}"
            raise UserError(f"{where(prefix + str(key))}: unknown key {prefix}{key}; {hint}")
        values[key] = _convert(hints[key], value, where, f"{prefix}{key}")
    for name, field in fields.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{where(prefix + name)}: the key {prefix}{name} is missing")
    return kind(**values)


def _convert(kind: Any, value: Any, where: _Place, key: str) -> Any:
    """The value in the type of its field. Whole numbers pass as floats, and "1e-5" (a string to YAML) as well."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        if any(value in typing.get_args(arg) for arg in args if typing.get_origin(arg) is Literal):
            return value  # a word in the place of a number, such as temperature=default
        return _convert(next(arg for arg in args if arg is not type(None)), value, where, key)
    if dataclasses.is_dataclass(kind):
        return _build(typing.cast(Any, kind), value, where, f"{key}.")
    if origin is typing.Literal:
        if value is False and "off" in args:  # YAML 1.1 reads a bare `off` as false
            value = "off"
        if value not in args:
            raise UserError(f"{where(key)}: {key} must be one of {', '.join(map(str, args))}, not {value!r}")
        return value
    if origin is dict and isinstance(value, Mapping):
        return {str(k): _convert(args[1], v, where, f"{key}.{k}") for k, v in value.items()}
    if origin is list and isinstance(value, list):
        return [_convert(args[0], v, where, f"{key}[{i}]") for i, v in enumerate(value)]
    if kind is float and not isinstance(value, bool):
        number = _as_float(value)
        if number is not None:
            return number
    elif (
        origin is None
        and isinstance(kind, type)
        and isinstance(value, kind)
        and isinstance(value, bool) == (kind is bool)
    ):
        return value
    words: dict[Any, str] = {
        **{int: "a whole number", float: "a number", str: "a text", bool: "true or false"},
        **{dict: "a map of keys to values", list: "a list such as [a, b]"},
    }
    wanted = words.get(origin or kind, str(kind))
    raise UserError(f"{where(key)}: {key} must be {wanted}, not {value!r}")


def _as_float(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def check_names(key: str, names: Sequence[str], known: Collection[str]) -> None:
    """Refuse a list of names that is empty, or names something unknown or twice.

    Raises:
        UserError: It does.
    """
    for name in names:
        if name not in known:
            raise UserError(f"{key}: unknown name {name!r}, use some of {', '.join(known)}")
    if len(set(names)) != len(names) or not names:
        raise UserError(f"{key} must name at least one of {', '.join(known)}, and none twice, not {list(names)}")


def check_pixels(max_pixels: int | None) -> None:
    """Refuse a limit below the smallest picture, 56 x 56.

    Raises:
        UserError: It is below.
    """
    if max_pixels is not None and max_pixels < 56 * 56:
        raise UserError(f"max_pixels must be at least {56 * 56} (56 x 56), not {max_pixels}")


def check_positive(key: str, number: int | None) -> None:
    """Refuse a count below 1.

    Raises:
        UserError: It is below.
    """
    if number is not None and number < 1:
        raise UserError(f"{key} must be at least 1, not {number}")
