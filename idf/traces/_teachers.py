"""Teachers, and how they are asked: every reply is kept as it comes."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, overload

from tqdm import tqdm

from idf.backends import (
    OPENAI_URL,
    Backend,
    HFBackend,
    Journal,
    OpenAIBackend,
    Request,
    Response,
    Sampling,
    VLLMBackend,
    asked_with,
    notes_on,
    seed_of,
)
from idf.errors import UserError

_SAMPLED = {"model", "samples", "max_new_tokens", "temperature", "top_p", "seed"}
_KEYS: dict[str, set[str]] = {
    "oracle": set(),
    "local": _SAMPLED | {"batch_size", "device"},
    "vllm": _SAMPLED | {"batch_size", "gpus", "max_model_len"},
    "openai": _SAMPLED
    | {"base_url", "api_key_env", "concurrency", "requests_per_minute", "max_total_tokens"}
    | {"timeout_s", "retries", "token_limit_key", "extra_body", "stop", "system", "stream"},
}
"""Teacher -> the keys of its recipe that mean something to it."""


@dataclass(frozen=True)
class TeacherRecipe:
    """Who works problems out, and how he is asked. Keys that mean nothing to a teacher are refused.

    Attributes:
        name: The world's solver ("oracle"), an OpenAI-compatible endpoint, vLLM, or a checkpoint in transformers.
        model: A checkpoint's folder or hub name, or the model's name at the endpoint.
        samples: Responses to each problem.
        max_new_tokens: Longest response.
        temperature: 0 always takes the likeliest token; several samples need more. "default" sends none (endpoints only).
        top_p: Only the likeliest tokens that together have this probability.
        seed: Another seed draws other responses.
        batch_size: Prompts at once (local: 16, vllm: 512 unless given).
        device: "cuda", "cuda:1", "cpu"; None to choose.
        gpus: GPUs that share the model.
        max_model_len: Longest prompt and response together; None for the model's own limit.
        base_url: Where "/chat/completions" is.
        api_key_env: The environment variable with the key.
        concurrency: Requests in flight.
        requests_per_minute: Most attempts a minute; None for no limit.
        max_total_tokens: Budget of prompts and completions together, over all runs of a journal; None for no limit.
        timeout_s: Longest time for one answer.
        retries: Attempts after the first.
        token_limit_key: What the endpoint calls the longest response.
        extra_body: Keys of the request beside ours.
        stop: Texts at which a response ends.
        system: A system message before the prompt.
        stream: Whether replies are streamed.
    """

    name: Literal["oracle", "openai", "vllm", "local"] = "oracle"
    model: str | None = None
    samples: int = 1
    max_new_tokens: int = 2048
    temperature: float | Literal["default"] = 0.0
    top_p: float = 1.0
    seed: int = 0
    batch_size: int | None = None
    device: str | None = None
    gpus: int = 1
    max_model_len: int | None = None
    base_url: str = OPENAI_URL
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = 8
    requests_per_minute: float | None = None
    max_total_tokens: int | None = None
    timeout_s: float = 300.0
    retries: int = 6
    token_limit_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, Any] = dataclasses.field(default_factory=dict)
    stop: list[str] = dataclasses.field(default_factory=list)
    system: str | None = None
    stream: bool = False

    def check(self) -> None:
        """Refuse what cannot be asked, with a sentence."""
        for field in dataclasses.fields(self):
            means = field.name == "name" or field.name in _KEYS[self.name]
            default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
            if not means and getattr(self, field.name) != default:
                raise UserError(f"teacher.{field.name} means nothing to the teacher {self.name}: leave it out")
        if self.name == "oracle":
            return
        if not self.model:
            raise UserError(f"the teacher {self.name} needs a model: set teacher.model")
        for key in ("samples", "batch_size", "gpus", "max_model_len"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise UserError(f"teacher.{key} must be at least 1, not {value}")
        if self.samples > 1 and self.temperature == 0:
            raise UserError(
                f"teacher.samples is {self.samples}, but at temperature 0 all samples are the same: set teacher.temperature"
            )
        try:
            sampling = self.sampling
            if self.name != "openai":
                sampling.check_ours(f"the teacher {self.name}")
            else:
                _openai(self, spent=0)
        except UserError as error:
            raise UserError(f"teacher.{error}") from None

    @property
    def sampling(self) -> Sampling:
        """How tokens are chosen."""
        temperature = None if self.temperature == "default" else self.temperature
        return Sampling(self.max_new_tokens, temperature, self.top_p, self.seed)

    def identity(self) -> dict[str, Any]:
        """The keys that decide what a response to a given prompt is; the others may change between runs."""
        keys = ("name", "model", "max_new_tokens", "temperature", "top_p", "seed")
        # What is not set has no part in it, so that journals of earlier versions are resumed.
        return {key: getattr(self, key) for key in keys} | asked_with(vars(self))


def open_teacher(recipe: TeacherRecipe, *, spent: int = 0) -> Backend:
    """The backend that a recipe asks.

    Args:
        recipe: The recipe, checked.
        spent: Tokens that earlier runs have used of the budget (`tokens_spent`).

    Raises:
        UserError: The model cannot be loaded, or an extra is missing.
        ValueError: The teacher is the oracle: it is asked directly.
    """
    if recipe.name == "oracle" or recipe.model is None:
        raise ValueError(f"the teacher {recipe.name} has no backend")
    if recipe.name == "openai":
        return _openai(recipe, spent)
    if recipe.name == "vllm":
        return VLLMBackend(
            recipe.model,
            sampling=recipe.sampling,
            batch_size=recipe.batch_size or 512,
            gpus=recipe.gpus,
            max_model_len=recipe.max_model_len,
        )
    return HFBackend(
        recipe.model,
        max_new_tokens=recipe.max_new_tokens,
        batch_size=recipe.batch_size or 16,
        device=recipe.device,
        temperature=recipe.sampling.temperature or 0.0,
        top_p=recipe.top_p,
        seed=recipe.seed,
    )


def _openai(recipe: TeacherRecipe, spent: int) -> OpenAIBackend:
    return OpenAIBackend(
        str(recipe.model),
        sampling=recipe.sampling,
        base_url=recipe.base_url,
        api_key_env=recipe.api_key_env,
        concurrency=recipe.concurrency,
        requests_per_minute=recipe.requests_per_minute,
        max_total_tokens=recipe.max_total_tokens,
        spent=spent,
        timeout_s=recipe.timeout_s,
        retries=recipe.retries,
        token_limit_key=recipe.token_limit_key,
        extra_body=recipe.extra_body,
        stop=recipe.stop,
        system=recipe.system,
        stream=recipe.stream,
    )


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

    Whatever ends the asking, replies that came are in the journal; the same call goes on from there. On the first
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
            for i, response in backend.generate(queue):
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
        for note in notes_on(list(replies.values()), [drawn.get(id, id) for id in replies]):
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
