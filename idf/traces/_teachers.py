"""Teachers, and how they are asked: every reply is kept as it comes."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Literal, overload

from tqdm import tqdm

from idf.backends import (
    OURS,
    Backend,
    Journal,
    ModelSpec,
    Request,
    Response,
    Sampling,
    answered,
    backend_class,
    backend_names,
    check_model_spec,
    notes_on,
    options_of,
    seed_of,
    with_options,
)
from idf.data import check_mix
from idf.errors import UserError
from idf.recipe import check_positive
from idf.worlds import LENGTHS

from ._oracle import STYLES

ORACLE = "oracle"


@dataclass(frozen=True)
class TeacherRecipe:
    """Who works problems out, and how he is asked. Beside these keys a recipe has those of the teacher's backend.

    Attributes:
        name: The world's solver ("oracle"), or the name of a backend: "openai", "vllm", "hf", or another package's.
        model: A checkpoint's folder or hub name, or the model's name at the endpoint.
        samples: Responses to each problem.
        max_new_tokens: Longest response.
        temperature: 0 always takes the likeliest token; several samples need more. "default" sends none (endpoints only).
        top_p: Only the likeliest tokens that together have this probability.
        seed: Another seed draws other responses.
        styles: Weight of each style of the oracle, in worlds that can search; the others are always told as "optimal".
        lengths: Weight of each length of the oracle's traces; a search is always told in "full".
    """

    name: str = ORACLE
    model: str | None = None
    samples: int = 1
    max_new_tokens: int = 2048
    temperature: float | Literal["default"] = 0.0
    top_p: float = 1.0
    seed: int = 0
    styles: dict[str, float] = field(default_factory=lambda: {"optimal": 1.0})
    lengths: dict[str, float] = field(default_factory=lambda: {LENGTHS[0]: 1.0})
    others_names: ClassVar[Mapping[str, str]] = {
        option.name: f"it means something to {name}, and nothing to the teacher oracle"
        for name in OURS
        for option in dataclasses.fields(backend_class(name).Options)
    }

    @classmethod
    def variant(cls, keys: Mapping[str, Any]) -> type[TeacherRecipe]:
        """The recipe of the teacher that some keys name, with the options of its backend."""
        name = str(keys.get("name", ORACLE))
        if name == ORACLE:
            return cls
        if name == "local":
            raise UserError("the teacher local is called hf now, as the backend of idf-eval: set teacher.name to hf")
        if name not in backend_names():
            raise UserError(f"teacher.name must be one of {', '.join(teacher_names())}, not {name!r}")
        return with_options(TeacherRecipe, name)

    def check(self) -> None:
        """Refuse what cannot be asked, with a sentence."""
        if self.name == ORACLE:
            for key in dataclasses.fields(TeacherRecipe):
                if key.name not in ("name", "styles", "lengths") and getattr(self, key.name) != key.default:
                    raise UserError(f"teacher.{key.name} means nothing to the teacher oracle: leave it out")
            check_mix("teacher.styles", self.styles, STYLES)
            check_mix("teacher.lengths", self.lengths, LENGTHS)
            return
        for name in ("styles", "lengths"):
            if getattr(self, name) != getattr(TeacherRecipe(), name):
                raise UserError(
                    f"teacher.{name} means nothing to the teacher {self.name}, only to the oracle: leave it out"
                )
        if not self.model:
            raise UserError(f"the teacher {self.name} needs a model: set teacher.model")
        try:
            check_positive("samples", self.samples)
            if self.samples > 1 and self.temperature == 0:
                raise UserError(
                    f"samples is {self.samples}, but at temperature 0 all samples are the same: set teacher.temperature"
                )
            spec = self.spec
            check_model_spec(spec, f"the teacher {self.name}")
        except UserError as error:
            raise UserError(f"teacher.{error}") from None

    @property
    def spec(self) -> ModelSpec:
        """The model that is asked.

        Raises:
            ValueError: The teacher is the oracle: it is asked directly.
        """
        if self.name == ORACLE or self.model is None:
            raise ValueError(f"the teacher {self.name} has no model")
        temperature = None if self.temperature == "default" else self.temperature
        sampling = Sampling(self.max_new_tokens, temperature, self.top_p, self.seed)
        return ModelSpec(self.name, self.model, sampling, options_of(self, self.name))

    @property
    def tells_shorter(self) -> bool:
        """Whether some traces of the oracle are not told in full."""
        return any(weight for length, weight in self.lengths.items() if length != LENGTHS[0])

    def identity(self) -> dict[str, Any]:
        """The keys that decide what a response to a given prompt is; the others may change between runs."""
        keys = ("name", "model", "max_new_tokens", "temperature", "top_p", "seed")
        found = {key: getattr(self, key) for key in keys}
        if self.name == ORACLE:
            return found
        if self.name == "hf":
            found["name"] = "local"  # as earlier versions called it, whose journals are resumed
        # What is not set has no part in it, so that journals of earlier versions are resumed.
        return found | backend_class(self.name).told(self.spec.options)


def teacher_names() -> list[str]:
    """Whoever can be named as a teacher."""
    return [ORACLE, *backend_names()]


def ask(
    requests: Mapping[str, Request] | Iterable[tuple[str, Callable[[], Request]]],
    backend: Backend,
    journal: Path,
    recipe: Mapping[str, Any],
    *,
    say: Callable[[str], None] = print,
    show: bool = True,
) -> dict[str, Response]:
    """Ask a teacher everything that the journal does not answer yet.

    Whatever ends the asking, replies that came are in the journal; the same call resumes there. On the first
    Ctrl-C nothing more is asked, and what is on its way is awaited; on the second, the asking ends at once.

    Args:
        requests: id -> request; or pairs of an id and a function that makes the request when its turn comes, so that
            not all pictures are in memory.
        backend: Who is asked.
        journal: The file that keeps the replies.
        recipe: What decides prompts and replies besides the ids, as JSON values: `TeacherRecipe.identity()`, and
            whatever the prompts were made from. A journal of another recipe is refused.
        say: Says in a sentence what was found and what is missing.
        show: Whether to show a progress bar.

    Returns:
        id -> response, in the order of the requests. Failures are among them: their `error` says why.

    Raises:
        UserError: The journal belongs to another recipe; or as the backend's, `BudgetSpent` among them.
        ValueError: Two requests have the same id.
    """
    makers = _makers(requests)
    with Journal(journal, {"backend": backend.name, "recipe": recipe}) as kept:
        todo = [id for id in makers if id not in kept.answered]
        if kept.torn:
            say(f"1 reply in {journal} was cut off while it was written: asked again")
        if again := len(kept.failed.intersection(todo)):
            say(f"{again} requests failed before: asked again")
        if len(todo) < len(makers):
            say(f"{len(makers) - len(todo)} of {len(makers)} replies are in {journal} already")
        failures: dict[str, Response] = {}
        queue = _Lazily([makers[id] for id in todo])
        spent = 0
        with (
            tqdm(total=len(todo), unit=" replies", disable=not show, mininterval=1) as bar,
            _gentle_interrupt(queue),
        ):
            for i, response in answered(backend, queue):
                kept.add(todo[i], response)
                spent += response.tokens
                if response.error is not None:
                    failures[todo[i]] = response
                bar.set_postfix(tokens=f"{spent:,}", failed=len(failures), refresh=False)
                bar.update()
        if failures:
            id, response = next(iter(failures.items()))
            say(f"{len(failures)} of {len(todo)} requests failed, {id} among them: {response.error}")
        replies = {id: kept.answered.get(id) or failures[id] for id in makers}
        drawn = {todo[i]: prompt for i, prompt in queue.prompts.items()}
        for note in [*backend.notes(), *notes_on(list(replies.values()), [drawn.get(id, id) for id in replies])]:
            say(note)
        return replies


def _makers(
    requests: Mapping[str, Request] | Iterable[tuple[str, Callable[[], Request]]],
) -> dict[str, Callable[[], Request]]:
    if isinstance(requests, Mapping):
        return {id: lambda request=request: request for id, request in requests.items()}  # type: ignore[misc]
    makers: dict[str, Callable[[], Request]] = {}
    for id, make in requests:
        if id in makers:
            raise ValueError(f"two requests have the id {id}")
        makers[id] = make
    return makers


class _Stopped(Exception):
    """Nothing more is to be asked."""


class _Lazily(Sequence[Request]):
    """Requests that are made when they are looked up."""

    def __init__(self, makers: Sequence[Callable[[], Request]]) -> None:
        self.makers = makers
        self.stopped = False
        self.prompts: dict[int, int] = {}  # which requests are samples of one prompt

    def __len__(self) -> int:
        return len(self.makers)

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | Sequence[Request]:
        if isinstance(index, slice):
            return _Lazily(self.makers[index])
        if self.stopped:
            raise _Stopped
        request = self.makers[index]()
        self.prompts[index] = seed_of(Sampling(1), dataclasses.replace(request, sample=0))
        return request


@contextmanager
def _gentle_interrupt(queue: _Lazily) -> Iterator[None]:
    """Let the first Ctrl-C close the queue; the backend then brings what is on its way, and KeyboardInterrupt follows."""

    def stop(number: int, frame: FrameType | None) -> None:
        if queue.stopped:
            raise KeyboardInterrupt
        queue.stopped = True
        # Not by print: the signal may have come in the middle of one.
        os.write(2, b"\nstopping: waiting for the replies that are on their way (Ctrl-C again to lose them)\n")

    in_main = threading.current_thread() is threading.main_thread()  # the only one that may handle signals
    before = signal.signal(signal.SIGINT, stop) if in_main else None
    try:
        yield
    except _Stopped:
        pass
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if queue.stopped:
        raise KeyboardInterrupt
