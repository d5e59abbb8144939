"""Any endpoint that speaks OpenAI's chat completions: many requests at a time, within a rate and a budget."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from idf.errors import UserError
from idf.recipe import check_ranges, key

from ._backend import Backend, most_tokens
from ._dialect import LIMITS, NEUTRAL, Dialect
from ._endpoint import Endpoint, Fault, Refused, read_key
from ._pace import Budget, BudgetSpent, Clock, Turns, pause_s
from ._reply import Unreadable
from ._request import ModelSpec, Request, Response, Sampling, chat_messages, seed_of, size_of

OPENAI_URL = "https://api.openai.com/v1"
OURS = {"model", "messages", "stream", "n", "temperature", "top_p", "seed", "stop", *LIMITS}
"""Keys of a request that have options of their own, by which the records go."""
HOPELESS = 20  # so many requests in a row that failed in every attempt: the endpoint is down


@dataclass(frozen=True)
class OpenAIOptions:
    """What a user may choose of an endpoint; `OpenAIBackend` says what each means."""

    base_url: str = key(OPENAI_URL, help="where /chat/completions is")
    api_key_env: str = key("OPENAI_API_KEY", help="environment variable with the key")
    concurrency: int = key(8, least=1, help="requests in flight")
    requests_per_minute: float | None = key(None, above=0, help="most attempts a minute (default: no limit)")
    max_total_tokens: int | None = key(
        None, least=1, help="budget of prompts and completions together (default: no limit)"
    )
    timeout_s: float = key(300.0, above=0, help="most seconds for an answer")
    retries: int = key(6, least=0, help="attempts after the first")
    token_limit_key: Literal["max_tokens", "max_completion_tokens"] = key(
        "max_tokens", help="what the endpoint calls the longest response; the other one if it refuses this one"
    )
    extra_body: dict[str, Any] = key(
        factory=dict, help="keys of the request beside ours, as JSON or YAML: '{reasoning_effort: low}'"
    )
    stop: list[str] = key(factory=list, repeated=True, help="a response ends at this text")
    system: str | None = key(None, help="a system message before the prompt")
    stream: bool = key(False, help="stream the replies (services that only stream are found out)")
    context: int | None = key(None, least=1, help="what the endpoint holds, in tokens of prompt and response")


class OpenAIBackend(Backend):
    """An OpenAI-compatible endpoint.

    At most `concurrency` responses are on their way or not yet taken by the caller, so this is the most that a kill
    can lose. A request that fails in every attempt is yielded with finish_reason "error".

    Args:
        model: The model's name at the endpoint.
        sampling: How tokens are chosen; each request is sent with a seed of its own.
        base_url: Where "/chat/completions" is.
        api_key_env: The environment variable with the key; not set, none is sent.
        concurrency: Requests in flight.
        requests_per_minute: Most attempts a minute; None for no limit.
        max_total_tokens: Budget of prompts and completions together; None for no limit.
        spent: How much of the budget earlier runs have used.
        timeout_s: Longest time for one answer.
        retries: Attempts after the first.
        token_limit_key: What the endpoint calls the longest response: "max_tokens", or "max_completion_tokens".
        extra_body: Keys of the request beside ours, such as reasoning_effort or enable_thinking.
        stop: Texts at which a response ends.
        system: A system message before the prompt.
        stream: Whether replies are streamed. A server that does nothing else is streamed from in any case.
        context: What the endpoint holds, in tokens of prompt and response; None if nobody says.
        clock: Time and chance.

    Raises:
        UserError: A value is out of its range, or the key cannot be one.

    Attributes:
        dialect: What the server was found to take.
    """

    Options = OpenAIOptions
    libraries = ("httpx",)
    in_process = False
    may_choose_tokens = True

    def __init__(
        self,
        model: str,
        *,
        sampling: Sampling,
        base_url: str = OPENAI_URL,
        api_key_env: str = "OPENAI_API_KEY",
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        max_total_tokens: int | None = None,
        spent: int = 0,
        timeout_s: float = 300.0,
        retries: int = 6,
        token_limit_key: str = "max_tokens",
        extra_body: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        system: str | None = None,
        stream: bool = False,
        context: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_url(base_url)
        if token_limit_key not in LIMITS:
            raise UserError(f"token_limit_key must be one of {', '.join(LIMITS)}, not {token_limit_key!r}")
        check_ranges(
            OpenAIOptions(
                concurrency=concurrency,
                requests_per_minute=requests_per_minute,
                max_total_tokens=max_total_tokens,
                timeout_s=timeout_s,
                retries=retries,
                context=context,
            )
        )
        if ours := sorted(OURS & set(extra_body or {})):
            raise UserError(f"extra_body cannot hold {ours[0]}: it has an option of its own, or is idf's own matter")
        read_key(api_key_env)
        self.name = f"openai:{model}"
        self.model, self.sampling, self.answered = model, sampling, False
        self.base_url, self.api_key_env = base_url, api_key_env
        self.concurrency, self.timeout_s, self.retries = concurrency, timeout_s, retries
        self.token_limit_key = token_limit_key
        self.extra_body, self.stop, self.system = dict(extra_body or {}), list(stop), system
        self.dialect = Dialect(token_limit_key, stream)
        self.context = context
        self.clock = clock or Clock()
        self.turns = Turns(requests_per_minute, self.clock)
        self.budget = Budget(max_total_tokens, spent)

    def facts(self) -> dict[str, Any]:
        """Who the server says that it is."""
        return self.dialect.facts()

    def notes(self) -> list[str]:
        """That the server could not be asked who it is, if that may matter to the sampling."""
        told = self.sampling.temperature is None or set(NEUTRAL) & set(self.extra_body)
        note = self.dialect.note()
        return [note] if note is not None and not told else []

    @classmethod
    def open(cls, spec: ModelSpec, *, spent: int = 0) -> Backend:
        """As `Backend.open`; the budget knows what was spent."""
        return cls(spec.model, sampling=spec.sampling, spent=spent, **spec.options)

    @classmethod
    def check(cls, spec: ModelSpec) -> None:
        """Refuse an address, a key or a map that cannot be meant."""
        cls.open(spec)

    @classmethod
    def told(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """What it is told beside prompt and sampling."""
        return {key: options[key] for key in ("extra_body", "stop", "system") if options.get(key)}

    @classmethod
    def fingerprint(cls, spec: ModelSpec, *, whole: bool = False) -> str:
        """Address and name: what a server holds under a name may change, and nobody says when."""
        told = cls.told(spec.options)
        end = f" {json.dumps(told, sort_keys=True)}" if told else ""
        return f"{spec.backend} {spec.options.get('base_url', OPENAI_URL)} {spec.model}{end}"

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Responses with the index of their request, as they come.

        Raises:
            BudgetSpent: The budget has no room for the next request. Everything in flight was yielded before.
            UserError: The endpoint refuses in a way that does not pass (a wrong key, an unknown model), or many
                requests in a row failed. Everything in flight was yielded before.
        """
        # The requests run in a thread of their own, so that a slow caller (or a notebook's event loop) cannot stall them.
        asking = _Asking(self, requests)
        loop = asyncio.new_event_loop()
        task = loop.create_task(asking.run())
        thread = threading.Thread(target=_run_loop, args=(loop, task, asking), name="openai backend", daemon=True)
        thread.start()
        try:
            while (reply := asking.replies.get()) is not None:
                yield reply
                # The caller is back, so this reply is safe: only now may another request take its place.
                loop.call_soon_threadsafe(asking.free.release)
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(task.cancel)
            thread.join()
            loop.close()
        if (end := asking.end) is not None:
            raise end

    def body(self, request: Request) -> dict[str, Any]:
        """What is asked for; what the server refuses of it is left out when it is sent (`dialect`)."""
        sampling = self.sampling
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [*system, *chat_messages(request)],
            self.token_limit_key: sampling.max_new_tokens,
        }
        if sampling.temperature is not None:
            body["temperature"] = sampling.temperature
        if sampling.draws:  # greedy needs no seed
            body["seed"] = seed_of(sampling, request)
        if sampling.top_p < 1 or set(NEUTRAL) & set(self.extra_body):  # who sends filters, sends this one too
            body["top_p"] = sampling.top_p
        if sampling.temperature is not None and self.dialect.server:
            body = NEUTRAL | body
        if self.stop:
            body["stop"] = self.stop
        return body | self.extra_body


class _Asking:
    """One call of `generate`, inside of the event loop."""

    def __init__(self, backend: OpenAIBackend, requests: Sequence[Request]) -> None:
        self.backend, self.requests = backend, requests
        self.replies: queue.SimpleQueue[tuple[int, Response] | None] = queue.SimpleQueue()
        self.free = asyncio.Semaphore(backend.concurrency)
        self.stop = asyncio.Event()
        self.end: Exception | None = None  # why the asking ended early
        self.failures = 0  # requests in a row that failed in every attempt
        self.answered = backend.answered  # whether any request was answered, of earlier askings too
        self.running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Ask everything; afterwards, `end` says why if not all was asked."""
        import httpx

        b = self.backend
        # Each attempt is limited as a whole: httpx limits single reads, and a byte now and then would pass.
        patience = httpx.Timeout(None, connect=min(30.0, b.timeout_s / 2))
        async with httpx.AsyncClient(timeout=patience, limits=httpx.Limits(max_connections=b.concurrency)) as client:
            endpoint = Endpoint(client, b.base_url, b.api_key_env, b.timeout_s, b.dialect)
            try:
                await endpoint.look()
                await self._start_all(endpoint)
                while self.running:
                    await asyncio.wait(self.running)
            finally:  # some are left only if this was cancelled: the caller wants no more
                left = list(self.running)
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    async def _start_all(self, endpoint: Endpoint) -> None:
        try:
            for i in range(len(self.requests)):
                await self.free.acquire()
                if self.end is not None:
                    return
                request = self.requests[i]
                body, expected = self.backend.body(request), most_tokens(request.messages, size_of(request))
                expected += len((self.backend.system or "").encode())
                held = await self._hold(expected)
                if self.end is not None:
                    self.backend.budget.settle(held, 0)
                    return
                task = asyncio.create_task(self._one(endpoint, i, body, expected, held))
                self.running.add(task)
                task.add_done_callback(self.running.discard)
        except Exception as error:  # raised again by `generate`, after what is in flight
            self._give_up(error)

    async def _hold(self, expected: int) -> int:
        """Wait until the budget has room for a prompt of that many tokens and its answer.

        Returns:
            Tokens held back.
        """
        budget = self.backend.budget
        while True:
            # Servers count pictures in their own ways: expect of the next prompt what the dearest so far has shown.
            worst = round(expected * budget.scale) + self.backend.sampling.max_new_tokens
            if budget.hold(worst):
                return worst
            if not self.running:
                raise BudgetSpent(
                    f"the budget of {budget.limit:,} tokens has no room for another request: {budget.spent:,} are "
                    f"spent, and the next may need {worst:,}; raise max_total_tokens and run the same command again"
                )
            await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)

    async def _one(self, endpoint: Endpoint, i: int, body: dict[str, Any], expected: int, held: int) -> None:
        budget, used = self.backend.budget, 0
        try:
            try:
                response = await self._try(endpoint, body, held)
            except Refused as refused:
                if not self.answered:  # then it is the recipe rather than this one prompt
                    raise
                response = _failure(str(refused))
            if response.finish_reason == "error":
                self.failures += 1
                if self.failures >= HOPELESS:
                    self._give_up(UserError(f"{HOPELESS} requests in a row failed, the last: {response.error}"))
            else:
                self.failures, self.answered, self.backend.answered = 0, True, True
                counted = response.prompt_tokens is not None and response.completion_tokens is not None
                used = response.tokens if counted else held
                budget.scale = max(budget.scale, (response.prompt_tokens or 0) / expected)
            self.replies.put((i, response))
        except Exception as error:
            self._give_up(error)
            self.free.release()
        finally:
            budget.settle(held, used)

    async def _try(self, endpoint: Endpoint, body: dict[str, Any], held: int) -> Response:
        """A response, after as many attempts as it takes and is allowed."""
        b, reason = self.backend, ""
        for attempt in range(b.retries + 1):
            if not await self._turn():
                return _failure(f"{reason or 'not asked'} (the asking was stopped)")
            try:
                return await endpoint.attempt(body)
            except Unreadable as unreadable:
                b.budget.settle(0, held)  # nobody knows what it cost: count the most
                return _failure(f"{unreadable}; it was paid for, and is not asked again in this run")
            except Fault as fault:
                reason = str(fault)
                if fault.charged:
                    b.budget.settle(0, held)  # nobody knows what it cost: count the most
                    if not b.budget.hold(0):
                        return _failure(f"{reason} (and the budget has no room for another attempt)")
                if fault.wait_s is not None:
                    b.turns.close(fault.wait_s)
            if attempt < b.retries:
                await self._sleep(pause_s(attempt, b.clock.chance()))
        return _failure(f"{reason} (in the last of {b.retries + 1} attempts)")

    async def _turn(self) -> bool:
        """Wait for a turn; False if the asking was stopped meanwhile."""
        turns = self.backend.turns
        while (wait_s := turns.wait_s()) > 0 and not self.stop.is_set():
            await self._sleep(wait_s)
        if not self.stop.is_set():
            await self._sleep(turns.take())
        return not self.stop.is_set()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the asking."""
        if seconds <= 0:
            return
        naps: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self.backend.clock.sleep(seconds)),
            asyncio.ensure_future(self.stop.wait()),
        ]
        try:
            await asyncio.wait(naps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for nap in naps:
                nap.cancel()

    def _give_up(self, error: Exception) -> None:
        self.end = self.end or error
        self.stop.set()


def _run_loop(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], asking: _Asking) -> None:
    try:
        loop.run_until_complete(task)
        loop.run_until_complete(loop.shutdown_asyncgens())
    except asyncio.CancelledError:
        pass  # the caller wants no more
    except Exception as error:
        asking.end = asking.end or error
    finally:
        asking.replies.put(None)


def _failure(reason: str) -> Response:
    return Response("", finish_reason="error", error=reason)


def check_url(base_url: str) -> None:
    """Refuse what is no address of an endpoint.

    Raises:
        UserError: It is none, or it holds a password.
    """
    import httpx

    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        shown = "it" if url.userinfo else repr(base_url)
        raise UserError(
            f"base_url must look like http://localhost:8000/v1, without password or query, and {shown} does not"
        )
