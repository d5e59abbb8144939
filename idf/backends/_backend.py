"""What a backend is: one class in one file, which owns every fact about itself."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from idf.drawing import vision_tokens
from idf.recipe import check_ranges

from ._request import ModelSpec, Request, Response

TEMPLATE_TOKENS = 64  # what a chat template adds to a prompt; Qwen2.5-VL's adds about 25


@dataclass(frozen=True)
class NoOptions:
    """Nothing to choose."""


class Backend(ABC):
    """Whoever answers prompts.

    All that idf-eval, teachers and the parser need to know of a backend stands in its class, so another one is one file and
    one entry point in the group `idf.backends` (docs/backends.md). `generate` alone must be written.

    Class attributes:
        Options: A frozen dataclass of what a user may choose, made with `idf.recipe.key`. Its fields are keyword arguments of
            the class, keys of recipes and options of the command line.
        extra: The extra of idf that installs what it imports; None if idf alone does.
        libraries: Distributions whose versions decide over an answer.
        in_process: Whether the model runs in this process: then `idf-eval --workers` may start several.
        may_choose_tokens: Whether the choice of tokens may be left to it (temperature=default).

    Args:
        model: A folder, a hub name, or a name that the backend understands.
        sampling: How tokens are chosen.
        options: The fields of `Options`.

    Attributes:
        name: Says in records who answered; never holds a key.
        context: The most tokens of prompt and response together; None if nobody says.
    """

    Options: ClassVar[type] = NoOptions
    extra: ClassVar[str | None] = None
    libraries: ClassVar[tuple[str, ...]] = ()
    in_process: ClassVar[bool] = True
    may_choose_tokens: ClassVar[bool] = False

    name: str
    context: int | None = None

    @abstractmethod
    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Answer requests.

        A request is looked up when its turn comes, so that a sequence may make it only then. Whatever ends the asking
        early (a budget, a wrong key, a request that cannot be made) is raised after everything in flight was yielded.

        Args:
            requests: The prompts.

        Yields:
            The index of a request and its response, in any order; every index once.
        """

    def count(self, messages: list[dict[str, Any]], size: tuple[int, int] | None) -> tuple[int, bool]:
        """The tokens of a prompt, without its being asked; by itself an upper bound.

        Args:
            messages: The conversation.
            size: Width and height of the picture in pixels; None if there is none.

        Returns:
            The tokens, and whether that is exact; else it is the most that they can be.
        """
        return most_tokens(messages, size), False

    def batches(self, lengths: Sequence[int]) -> list[list[int]] | None:
        """Which prompts are computed together, from nothing but their lengths; by itself None: there are no batches.

        What is computed together may change each other's rounding, so it must not depend on what is answered already: then a
        run that was killed forms the same batches, and so does any number of workers.

        Args:
            lengths: The tokens of each prompt, by `count`.

        Returns:
            Indices, batch by batch; each index once.
        """
        return None

    def render(self, request: Request) -> str:
        """A prompt as the model gets it, or as near as can be told."""
        return "".join(part["text"] for part in request.messages[-1]["content"] if part["type"] == "text")

    def facts(self) -> dict[str, Any]:
        """What results say of it beside the facts of its `ModelSpec`: the device, say."""
        return {}

    def notes(self) -> list[str]:
        """Sentences to be said after asking, such as what could not be found out."""
        return []

    @classmethod
    def open(cls, spec: ModelSpec, *, spent: int = 0) -> Backend:
        """The backend of a model, loaded.

        Args:
            spec: The model, checked.
            spent: Tokens that earlier runs have used, for a backend with a budget.

        Raises:
            UserError: It cannot be loaded or reached.
        """
        return cls(spec.model, sampling=spec.sampling, **spec.options)  # type: ignore[call-arg]

    @classmethod
    def check(cls, spec: ModelSpec) -> None:
        """Refuse what cannot be asked, before anything is loaded; by itself, options outside of their ranges.

        Raises:
            UserError: It cannot; the key is named.
        """
        check_ranges(cls.Options(**spec.options))

    @classmethod
    def told(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Those options that decide what a reply says, if they differ from their defaults; by itself all that differ."""
        return {name: value for name, value in options.items() if value != _default(cls.Options, name)}

    @classmethod
    def versions(cls) -> dict[str, str | None]:
        """The versions of its libraries; None for one that is not installed."""
        found: dict[str, str | None] = {}
        for name in cls.libraries:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = None
        return found

    @classmethod
    def fingerprint(cls, spec: ModelSpec, *, whole: bool = False) -> str:
        """What tells a model from any other that may answer differently.

        Args:
            spec: The model.
            whole: Whether to read all bytes of its weights, if it has any here.

        Raises:
            UserError: It is not there, or cannot answer as it lies there.
        """
        told = json.dumps([cls.versions(), cls.told(spec.options)], sort_keys=True)
        return f"{spec.backend} {spec.model} {told}"


def most_tokens(messages: Sequence[dict[str, Any]], size: tuple[int, int] | None) -> int:
    """The most tokens that a prompt should have: one for each byte of text, and Qwen2.5-VL's for the picture.

    Args:
        messages: The conversation.
        size: Width and height of the picture in pixels; None if there is none.
    """
    texts = [part["text"] for message in messages for part in message["content"] if part["type"] == "text"]
    tokens = TEMPLATE_TOKENS + sum(len(text.encode("utf-8", "replace")) for text in texts)
    return tokens if size is None else tokens + vision_tokens(size)


def _default(options: type, name: str) -> Any:
    field = next(field for field in fields(options) if field.name == name)
    return field.default if field.default_factory is MISSING else field.default_factory()
