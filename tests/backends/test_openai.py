"""The API backend against a real local server, with every fault that a network knows."""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest

from idf.backends import BudgetSpent, Clock, OpenAIBackend, Response, Sampling, seed_of
from idf.backends._openai import HOPELESS
from idf.drawing import decode_png
from idf.errors import UserError
from tests.backends.manners import streamed
from tests.backends.server import Call, Reply, collect, completion, echo, failing, request, serving
from tests.sentences import refused, says

KEY = "sk-secret-0123456789"


class FakeClock(Clock):
    """Sleeping costs no time, but moves the clock."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.time = max(self.time, until)

    def chance(self) -> float:
        return 1.0


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def backend(url: str, **changes: Any) -> OpenAIBackend:
    settings = {"sampling": Sampling(32), "base_url": url, "clock": FakeClock(), "timeout_s": 20.0}
    return OpenAIBackend("m", **{**settings, **changes})


def ask(backend: OpenAIBackend, *prompts: str) -> list[Response]:
    found = dict(backend.generate([request(prompt) for prompt in prompts]))
    assert sorted(found) == list(range(len(prompts)))
    return [found[i] for i in range(len(prompts))]


def once(fault: Reply) -> Any:
    """The fault at the first attempt, the answer afterwards."""
    return lambda call, before: fault if before == 0 else echo(call, before)


# --- the protocol ------------------------------------------------------------------------------------------------


def test_every_request_gets_its_own_answer_with_its_counts():
    with serving(echo) as server:
        said = ask(backend(server.url), "a", "b", "c")
    assert said == [Response(f"re: {prompt}", 10, 5, "stop") for prompt in "abc"]
    assert sorted(server.prompts) == ["a", "b", "c"]


def test_what_is_sent_is_the_protocol_with_the_picture_inside():
    picture = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
    asked = request("what is this?", picture)
    sampling = Sampling(99, temperature=0.5, top_p=0.9, seed=3)
    with serving(echo) as server:
        list(backend(server.url, sampling=sampling).generate([asked]))
    (call,) = server.calls
    (message,) = call.body.pop("messages")
    assert message["role"] == "user"
    image, text = message["content"]
    assert text == {"type": "text", "text": "what is this?"}
    prefix, _, data = image["image_url"]["url"].partition(",")
    assert (image["type"], prefix) == ("image_url", "data:image/png;base64")
    assert np.array_equal(decode_png(base64.b64decode(data)), picture)
    assert call.body == {
        "model": "m",
        "max_tokens": 99,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": seed_of(sampling, asked),
    }
    assert call.headers["Authorization"] == f"Bearer {KEY}"


def test_newer_models_are_told_the_longest_response_by_its_other_name():
    with serving(echo) as server:
        ask(backend(server.url, token_limit_key="max_completion_tokens"), "a")
    assert server.calls[0].body["max_completion_tokens"] == 32
    assert "max_tokens" not in server.calls[0].body


def test_without_a_key_none_is_sent(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with serving(echo) as server:
        ask(backend(server.url), "a")
    assert "Authorization" not in server.calls[0].headers


@pytest.mark.parametrize("reason", ["length", "content_filter", None])
def test_the_finish_reason_is_kept(reason):
    with serving(lambda call, before: completion("so", finish_reason=reason)) as server:
        assert ask(backend(server.url), "a") == [Response("so", 10, 5, reason)]


def test_an_answer_without_content_that_was_cut_off_is_empty():
    cut = completion("", message={"role": "assistant", "content": None}, finish_reason="length")
    with serving(lambda call, before: cut) as server:
        assert ask(backend(server.url), "a") == [Response("", 10, 5, "length")]


def test_a_refusal_in_a_field_of_its_own_is_a_refusal():
    message = {"role": "assistant", "content": None, "refusal": "That is beyond me."}
    declines = completion("", message=message, finish_reason="stop")
    with serving(lambda call, before: declines) as server:
        assert ask(backend(server.url), "a") == [Response("That is beyond me.", 10, 5, "refusal")]


def test_usage_may_be_missing():
    bare = Reply(body=b'{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}')
    with serving(lambda call, before: bare) as server:
        assert ask(backend(server.url), "a") == [Response("yes", None, None, "stop")]


@pytest.mark.parametrize(
    ("count", "read"), [(10.0, 10), ("many", None), (True, None), (-1, None), (1e300, None), (2.5, None), ({}, None)]
)
def test_counts_are_read_as_floats_and_an_answer_with_nonsense_is_not_paid_for_twice(count, read):
    with serving(lambda call, before: completion("yes", prompt_tokens=count)) as server:
        assert ask(backend(server.url), "a") == [Response("yes", read, 5, "stop")]
        assert len(server.calls) == 1


def test_parts_are_joined_and_thoughts_are_none():
    parts = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "Answer: "},
        {"type": "text", "text": "red"},
    ]
    with serving(lambda call, before: completion("", message={"content": parts})) as server:
        assert ask(backend(server.url), "a")[0].text == "Answer: red"


@pytest.mark.parametrize(
    ("limit", "reply", "said"),
    [
        ("MOST_BYTES", completion("x" * 5000), "longer than 1,000 bytes"),
        ("MOST_NESTED", completion("x", logprobs=[[[[[[[[[[[]]]]]]]]]]]), "nested more than 10 deep"),
        (None, completion("x", finish_reason={"type": "stop"}), "finish_reason is no text"),
    ],
)
def test_a_reply_that_cannot_be_read_is_one_failed_answer_and_is_paid_for_once(monkeypatch, limit, reply, said):
    if limit is not None:  # small limits, harmless replies
        for module in ("_reply", "_endpoint") if limit == "MOST_BYTES" else ("_reply",):
            monkeypatch.setattr(f"idf.backends.{module}.{limit}", {"MOST_BYTES": 1000, "MOST_NESTED": 10}[limit])
    with serving(lambda call, before: reply if call.prompt == "b" else echo(call, before)) as server:
        mine = backend(server.url, max_total_tokens=10_000)
        a, b, c = ask(mine, "a", "b", "c")
        assert server.prompts.count("b") == 1
    assert (a.text, c.text, b.finish_reason) == ("re: a", "re: c", "error")
    says(b.error, said, "paid for")
    assert mine.budget.spent == 15 + 15 + (1 + 64 + 32)


def test_brackets_in_a_text_are_no_nesting():
    with serving(lambda call, before: completion("[" * 500 + '\\"' + "{" * 500)) as server:
        assert ask(backend(server.url), "a")[0].text == "[" * 500 + '\\"' + "{" * 500


@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_is_joined_and_one_that_breaks_off_is_asked_again(whole):
    def answer(call: Call, before: int) -> Reply:
        return streamed("Answer: red", whole=whole or before > 0)

    with serving(answer) as server:
        assert ask(backend(server.url, stream=True), "a") == [Response("Answer: red", 10, 5, "stop")]
        assert len(server.calls) == (1 if whole else 2)


# --- faults that pass --------------------------------------------------------------------------------------------

FAULTS = {
    "429": failing(429),
    "500": failing(500),
    "502": Reply(502, b"<html>bad gateway</html>"),
    "503": failing(503),
    "504": failing(504),
    "half an answer": Reply(body=b'{"choices": [{"mess', promised=500),
    "half an answer without a promise": Reply(body=b'{"choices": [{"mess'),
    "garbage": Reply(body=b"\xff\xfe\x00 what?"),
    "no choices": Reply(body=b'{"choices": []}'),
    "an error with status 200": Reply(body=b'{"error": {"message": "overloaded"}}'),
    "a list": Reply(body=b"[]"),
    "no content": Reply(body=b'{"choices": [{"message": {"role": "assistant"}, "finish_reason": "stop"}]}'),
    "content that is no text": completion("", message={"content": 5}),
    "the model broke off": completion("ye", finish_reason="error"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_that_passes_the_request_is_asked_again(name):
    with serving(once(FAULTS[name])) as server:
        mine = backend(server.url)
        assert ask(mine, "a", "b") == [Response("re: a", 10, 5, "stop"), Response("re: b", 10, 5, "stop")]
    assert sorted(server.prompts) == ["a", "a", "b", "b"]
    assert mine.clock.slept == [1.0, 1.0]


def test_an_answer_that_takes_too_long_is_asked_for_again():
    released = threading.Event()

    def answer(call: Call, before: int) -> Reply:
        if before == 0:
            released.wait(20)
        return echo(call, before)

    with serving(answer) as server:
        try:
            (said,) = ask(backend(server.url, timeout_s=2), "a")
        finally:
            released.set()
    assert said.text == "re: a"
    assert server.prompts == ["a", "a"]


def test_pauses_double_and_are_bounded_and_chance_takes_up_to_half():
    from idf.backends._pace import pause_s

    assert [pause_s(attempt, 1.0) for attempt in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [pause_s(attempt, 0.0) for attempt in range(3)] == [0.5, 1, 2]
    assert pause_s(10**6, 1.0) == 60


def test_a_request_that_fails_in_every_attempt_is_yielded_as_a_failure_and_the_others_are_answered():
    with serving(lambda call, before: failing(500, "sick") if call.prompt == "b" else echo(call, before)) as server:
        mine = backend(server.url, retries=3)
        a, b, c = ask(mine, "a", "b", "c")
    assert (a.text, c.text) == ("re: a", "re: c")
    assert (b.text, b.finish_reason) == ("", "error")
    says(b.error, "500: sick", "4 attempts")
    assert server.prompts.count("b") == 4
    assert mine.clock.slept == [1, 2, 4]


def test_no_server_at_all_is_a_failure_that_says_so():
    with serving(echo) as server:
        url = server.url
    (said,) = ask(backend(url, retries=1), "a")
    assert said.finish_reason == "error"
    says(said.error, "cannot connect", f"{url}/chat/completions")


def test_many_failures_in_a_row_end_the_asking():
    with serving(lambda call, before: failing(503, "down")) as server:
        mine = backend(server.url, retries=0, concurrency=4)
        seen: list[tuple[int, Response]] = []
        with refused(f"{HOPELESS} requests", "in a row", "503: down"):
            collect(mine.generate([request(str(i)) for i in range(100)]), seen)
    assert {response.finish_reason for _, response in seen} == {"error"}
    assert HOPELESS <= len(seen) <= HOPELESS + 4
    assert len(server.calls) <= HOPELESS + 4


def test_as_many_failures_that_are_not_in_a_row_do_not_end_the_asking():
    def every_other(call: Call, before: int) -> Reply:
        return failing(503) if int(call.prompt) % 2 else echo(call, before)

    with serving(every_other) as server:
        said = ask(backend(server.url, retries=0, concurrency=1), *map(str, range(2 * HOPELESS + 2)))
    assert sum(response.error is not None for response in said) == HOPELESS + 1


# --- Retry-After -------------------------------------------------------------------------------------------------


def test_retry_after_holds_back_every_request():
    with serving(once(failing(429, Retry_After="30"))) as server:
        mine = backend(server.url, concurrency=1)
        ask(mine, "a", "b")
    # Each was turned away once; nobody asked again before the 30 s were over.
    assert mine.clock.time == pytest.approx(60)
    assert server.prompts == ["a", "a", "b", "b"]


def test_a_date_in_retry_after_is_read():
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=100), usegmt=True)
    with serving(once(failing(503, Retry_After=date))) as server:
        mine = backend(server.url)
        ask(mine, "a")
    assert 80 < mine.clock.time <= 100


def test_milliseconds_to_wait_are_read():
    with serving(once(failing(429, retry_after_ms="2500"))) as server:
        mine = backend(server.url)
        ask(mine, "a")
    assert mine.clock.time == pytest.approx(2.5)


@pytest.mark.parametrize("value", ["soon", "nan", "", "-5"])
def test_nonsense_in_retry_after_is_as_if_it_were_not_there(value):
    with serving(once(failing(429, Retry_After=value))) as server:
        mine = backend(server.url)
        ask(mine, "a")
    assert mine.clock.time == 1.0


@pytest.mark.parametrize("value", ["86400", "inf"])
def test_a_server_that_asks_to_wait_for_hours_ends_the_asking(value):
    with serving(lambda call, before: failing(429, "daily limit", Retry_After=value)) as server:
        with refused("daily limit", "wait", "same command again"):
            ask(backend(server.url), "a")
        assert len(server.calls) == 1


# --- refusals that do not pass -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 301])
def test_a_refusal_ends_the_asking_at_once_with_the_words_of_the_server(status):
    with serving(lambda call, before: failing(status, "not like\nthis")) as server:
        mine = backend(server.url, concurrency=2)
        with refused(f"{status}: not like this"):
            ask(mine, *"abcdefgh")
        assert len(server.calls) <= 2
    assert mine.clock.slept == []


def test_a_wrong_key_says_where_the_key_is_read(monkeypatch):
    with serving(lambda call, before: failing(401)) as server:
        with refused("environment variable", "OPENAI_API_KEY", "is set"):
            ask(backend(server.url), "a")
        monkeypatch.delenv("OPENAI_API_KEY")
        with refused("environment variable", "OPENAI_API_KEY", "not set"):
            ask(backend(server.url), "a")


def test_a_quota_that_is_used_up_is_not_asked_for_again():
    with serving(
        lambda call, before: Reply(429, b'{"error": {"message": "pay", "code": "insufficient_quota"}}')
    ) as server:
        with pytest.raises(UserError, match="429: pay"):
            ask(backend(server.url), "a")
        assert len(server.calls) == 1


def test_what_is_in_flight_at_a_refusal_is_yielded_before_it_is_raised():
    refusal_sent = threading.Event()

    def answer(call: Call, before: int) -> Reply:
        if call.prompt == "bad":
            refusal_sent.set()
            return failing(400, "bad")
        refusal_sent.wait(20)
        reply = echo(call, before)
        reply.delay_s = 1.5
        return reply

    with serving(answer) as server:
        seen: list[tuple[int, Response]] = []
        asked = [request(prompt) for prompt in ("a", "b", "bad", "c")]
        with pytest.raises(UserError, match="400: bad"):
            collect(backend(server.url, concurrency=3).generate(asked), seen)
    assert sorted((i, response.text) for i, response in seen) == [(0, "re: a"), (1, "re: b")]
    assert "c" not in server.prompts


def test_one_refused_prompt_after_answers_is_a_failure_and_does_not_end_the_asking():
    def answer(call: Call, before: int) -> Reply:
        return failing(400, "too long") if call.prompt == "bad" else echo(call, before)

    with serving(answer) as server:
        asked = [request(prompt) for prompt in ("a", "bad", "c")]
        found = dict(backend(server.url, concurrency=1).generate(asked))
    assert [found[i].finish_reason for i in range(3)] == ["stop", "error", "stop"]
    assert "too long" in str(found[1].error)


def test_a_request_that_cannot_be_made_ends_the_asking_after_what_is_in_flight():
    class Requests(list):  # type: ignore[type-arg]
        def __getitem__(self, i: Any) -> Any:
            if i == 2:
                raise ZeroDivisionError("no picture")
            return request(str(i))

    with serving(echo) as server:
        seen: list[tuple[int, Response]] = []
        with pytest.raises(ZeroDivisionError, match="no picture"):
            collect(backend(server.url, concurrency=8).generate(Requests([None] * 5)), seen)
    assert sorted(i for i, _ in seen) == [0, 1]


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x/v1", "", "http://", "http://h/v1?key=1", "http://h:port/v1"]
)
def test_an_address_that_is_none_is_refused(url):
    with refused("base_url", "http://localhost:8000/v1"):
        backend(url)


@pytest.mark.parametrize(
    "setting",
    [{"concurrency": 0}, {"requests_per_minute": 0}, {"max_total_tokens": 0}, {"timeout_s": 0}, {"retries": -1}],
)
def test_a_setting_out_of_its_range_is_refused(setting):
    (name,) = setting
    with pytest.raises(UserError, match=name):
        backend("http://localhost/v1", **setting)


# --- concurrency, rate, budget -----------------------------------------------------------------------------------


def test_concurrency_is_used_and_never_passed():
    together = threading.Barrier(5)

    def answer(call: Call, before: int) -> Reply:
        together.wait(20)  # breaks unless five are there at the same time
        return echo(call, before)

    with serving(answer) as server:
        ask(backend(server.url, concurrency=5), *map(str, range(20)))
    assert server.most_at_once == 5


def test_a_reply_that_the_caller_has_not_taken_holds_its_place():
    with serving(echo) as server:
        replies = backend(server.url, concurrency=3).generate([request(str(i)) for i in range(50)])
        for taken in range(1, 4):
            next(replies)
            time.sleep(0.2)
            # The one in hand is not known to be safe yet.
            assert len(server.calls) <= taken + 2
        assert len(list(replies)) == 47
        assert len(server.calls) == 50


def test_a_caller_who_wants_no_more_ends_the_asking():
    with serving(echo) as server:
        replies = backend(server.url, concurrency=2).generate([request(str(i)) for i in range(50)])
        next(replies)
        replies.close()
        assert "openai backend" not in [thread.name for thread in threading.enumerate()]
        time.sleep(0.2)
        assert len(server.calls) <= 3


def test_the_rate_limit_spreads_attempts_evenly():
    with serving(once(failing(500))) as server:
        mine = backend(server.url, requests_per_minute=30, concurrency=1)
        ask(mine, *map(str, range(6)))
    assert len(server.calls) == 12
    # 12 attempts, 2 s apart; the pauses of 1 s after faults pass while waiting for the next turn.
    assert mine.clock.time == pytest.approx(22)


def test_the_budget_is_never_passed_and_what_came_is_kept():
    prompts = [f"{i:02d}" for i in range(40)]
    with serving(lambda call, before: completion("x", 30, 20)) as server:
        mine = backend(server.url, max_total_tokens=700, concurrency=4)
        seen: list[tuple[int, Response]] = []
        with refused("budget", "700 tokens", "650 are spent", 98, by=BudgetSpent):
            collect(mine.generate([request(prompt) for prompt in prompts]), seen)
    # A request holds 2 bytes + 64 for the template + 32 for the answer, and costs 50. 4 * 98 fit beside each other.
    assert mine.budget.spent == sum(response.tokens for _, response in seen) <= 700
    assert len(seen) == len(server.calls)
    assert (mine.budget.held, mine.budget.spent) == (0, len(seen) * 50)
    with pytest.raises(BudgetSpent):  # the next call starts from what is spent
        ask(mine, "a")
    assert len(server.calls) == len(seen)


def test_what_earlier_runs_spent_counts():
    with serving(echo) as server:
        with refused("950 are spent", by=BudgetSpent):
            ask(backend(server.url, max_total_tokens=1000, spent=950), "a")
        assert server.calls == []


def test_a_lost_answer_counts_as_dear_as_it_may_have_been():
    with serving(lambda call, before: Reply(body=b"?")) as server:
        mine = backend(server.url, max_total_tokens=350)
        (said,) = ask(mine, "a")
    assert len(server.calls) == 3, "a fourth might pass the budget"
    says(said.error, "budget", "no room", "another attempt")
    assert mine.budget.spent == 3 * (1 + 64 + 32)


def test_a_refused_attempt_costs_nothing():
    with serving(once(failing(500))) as server:
        mine = backend(server.url, max_total_tokens=1000)
        ask(mine, "a")
    assert mine.budget.spent == 15


def test_an_answer_without_usage_counts_as_dear_as_it_may_have_been():
    bare = Reply(body=b'{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}')
    with serving(lambda call, before: bare) as server:
        mine = backend(server.url, max_total_tokens=1000)
        ask(mine, "a")
    assert mine.budget.spent == 1 + 64 + 32


def test_prompts_dearer_than_expected_pass_the_budget_only_by_those_in_flight():
    with serving(lambda call, before: completion("x", 650, 32)) as server:  # ten times what is expected
        mine = backend(server.url, max_total_tokens=5000, concurrency=2)
        with pytest.raises(BudgetSpent):
            ask(mine, *"abcdefghijklmnopqrstuvwxyz")
    assert len(server.calls) == 7
    assert mine.budget.spent == 7 * 682 <= 5000


# --- the key -----------------------------------------------------------------------------------------------------


def test_the_key_appears_nowhere(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    seen: list[tuple[int, Response]] = []

    def answer(call: Call, before: int) -> Reply:
        told = call.headers["Authorization"]
        return {
            "a": failing(500, f"bad {told}"),
            "b": Reply(body=f"garbage {told}".encode()),
            "c": Reply(body=f'{{"choices": "{told}"}}'.encode()),
            "d": failing(401, f"wrong {told}"),
        }[call.prompt]

    with serving(answer) as server:
        mine = backend(server.url, retries=1, concurrency=1)
        with pytest.raises(UserError) as refusal:
            collect(mine.generate([request(prompt) for prompt in "abcd"]), seen)
        assert all(call.headers["Authorization"] == f"Bearer {KEY}" for call in server.calls)
    words = [repr(response) for _, response in seen]
    assert len(words) == 3
    assert "[key]" in words[0]
    chain: BaseException | None = refusal.value
    while chain is not None:
        words += [str(chain), repr(chain)]
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    out = capfd.readouterr()
    words += [repr(mine), mine.name, repr(vars(mine)), caplog.text, out.out, out.err]
    assert not [said for said in words if KEY in said or KEY[3:] in said]


@pytest.mark.parametrize("key", ["sk two", "sk\nHost: evil", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with refused("OPENAI_API_KEY", "characters") as refusal:
        backend("http://localhost/v1")
    assert key not in str(refusal.value)


def test_a_password_in_the_address_is_refused_without_being_shown():
    with refused("base_url", "without password") as refusal:
        backend(f"http://me:{KEY}@localhost/v1")
    assert KEY not in str(refusal.value)


def test_a_key_under_another_name_is_read_there(monkeypatch):
    monkeypatch.setenv("MY_KEY", " other \n")
    with serving(echo) as server:
        ask(backend(server.url, api_key_env="MY_KEY"), "a")
    assert server.calls[0].headers["Authorization"] == "Bearer other"


def test_it_works_inside_of_a_running_event_loop():
    async def notebook(url: str) -> Sequence[Response]:
        return ask(backend(url), "a")

    with serving(echo) as server:
        assert asyncio.run(notebook(server.url))[0].text == "re: a"
