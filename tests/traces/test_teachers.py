"""Asking a teacher: nothing is lost, nothing is paid for twice."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from idf.backends import (
    Backend,
    BudgetSpent,
    Journal,
    OpenAIBackend,
    Request,
    Response,
    Sampling,
    open_backend,
    tokens_spent,
)
from idf.errors import UserError
from idf.recipe import build_recipe, read_recipe, to_plain
from idf.traces._teachers import TeacherRecipe, ask
from tests.backends.server import Call, Reply, Server, echo, failing, request, serving
from tests.sentences import line_that_says, refused, says

ROOT = Path(__file__).parents[2]
RECIPE = {"teacher": {"model": "m", "temperature": 0.7}}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class Scripted(Backend):
    """Answers by a function of the prompt; an exception ends the asking."""

    name = "scripted"

    def __init__(self, answer: Callable[[str], Response | BaseException]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        for i in range(len(requests)):
            prompt = requests[i].messages[0]["content"][-1]["text"]
            self.asked.append(prompt)
            said = self.answer(prompt)
            if isinstance(said, BaseException):
                raise said
            yield i, said


def good(prompt: str) -> Response:
    return Response(f"re: {prompt}", 3, 4, "stop")


def named(*prompts: str) -> dict[str, Request]:
    return {f"id {prompt}": request(prompt) for prompt in prompts}


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def run(
    journal: Path, answer: Callable[[str], Response | BaseException], *prompts: str, **more: Any
) -> tuple[Any, list[str], list[str]]:
    """What was returned, what was asked, and what was said."""
    said: list[str] = []
    backend = Scripted(answer)
    found = ask(named(*prompts), backend, journal, more.pop("recipe", RECIPE), say=said.append, show=False, **more)
    return found, backend.asked, said


# --- the journal -------------------------------------------------------------------------------------------------


def test_every_reply_comes_back_under_its_id_and_stands_in_the_journal(tmp_path):
    journal = tmp_path / "deep" / "replies.jsonl"
    odd = Response("half \ud83d\u2028", None, None, None)
    found, asked, said = run(journal, lambda prompt: odd if prompt == "b" else good(prompt), "a", "b")
    assert found == {"id a": good("a"), "id b": odd}
    assert list(found) == ["id a", "id b"]
    assert lines(journal)[0] == {"journal": 1, "backend": "scripted", "recipe": RECIPE}
    assert [row["id"] for row in lines(journal)[1:]] == ["id a", "id b"]
    assert asked == ["a", "b"]
    assert said == []


def test_what_is_in_the_journal_is_not_asked_again(tmp_path):
    journal = tmp_path / "j"
    run(journal, good, "a", "b")
    found, asked, said = run(journal, good, "a", "b", "c")
    assert asked == ["c"]
    assert found == {f"id {prompt}": good(prompt) for prompt in "abc"}
    (line,) = said
    says(line, "2 of 3", "replies", journal, "already")


def test_each_reply_is_on_the_disk_before_the_next_is_asked_for(tmp_path):
    journal = tmp_path / "j"
    seen = []

    def answer(prompt: str) -> Response:
        seen.append(len(lines(journal)) - 1)
        return good(prompt)

    run(journal, answer, "a", "b", "c")
    assert seen == [0, 1, 2]


def test_every_line_is_forced_to_the_disk(tmp_path, monkeypatch):
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda number: sizes.append(os.fstat(number).st_size))
    run(tmp_path / "j", good, "a", "b")
    ends = [i + 1 for i, byte in enumerate((tmp_path / "j").read_bytes()) if byte == ord("\n")]
    assert sizes == ends
    assert len(sizes) == 3


def test_failures_are_returned_and_said_and_asked_again(tmp_path):
    journal = tmp_path / "j"
    bad = Response("", finish_reason="error", error="500: sick")
    found, _, said = run(journal, lambda prompt: bad if prompt == "b" else good(prompt), "a", "b")
    assert found == {"id a": good("a"), "id b": bad}
    (line,) = said
    says(line, "1 of 2", "failed", "id b", "500: sick")
    found, asked, said = run(journal, good, "a", "b")
    assert asked == ["b"]
    assert found == {"id a": good("a"), "id b": good("b")}
    says(said[0], "1 request", "failed before", "asked again")
    assert run(journal, good, "a", "b")[1] == []


@pytest.mark.parametrize("error", [UserError("no"), BudgetSpent("spent"), OSError("gone"), KeyboardInterrupt()])
def test_whatever_ends_the_asking_what_came_before_is_kept(tmp_path, error):
    journal = tmp_path / "j"
    with pytest.raises(type(error)):
        run(journal, lambda prompt: error if prompt == "c" else good(prompt), "a", "b", "c", "d")
    found, asked, _ = run(journal, good, "a", "b", "c", "d")
    assert asked == ["c", "d"]
    assert len(found) == 4


def test_half_a_line_at_the_end_is_cut_off_and_said_and_asked_again(tmp_path):
    journal = tmp_path / "j"
    run(journal, good, "a", "b")
    whole = journal.read_bytes()
    for cut in (whole[:-1], whole[:-9]):
        journal.write_bytes(cut)
        found, asked, said = run(journal, good, "a", "b")
        assert asked == ["b"]
        says(said[0], "1 reply", journal, "cut off", "asked again")
        assert len(found) == 2
        assert journal.read_bytes() == whole


def test_half_a_fingerprint_is_a_journal_without_replies(tmp_path):
    journal = tmp_path / "j"
    journal.write_bytes(b'{"journal": 1, "back')
    assert run(journal, good, "a")[1] == ["a"]
    assert len(lines(journal)) == 2


def test_a_journal_of_another_recipe_is_refused_and_the_key_is_named(tmp_path):
    journal = tmp_path / "j"
    run(journal, good, "a")
    before = journal.read_bytes()
    other = {"teacher": {"model": "m", "temperature": 1.0}}
    with refused(tmp_path / "j", "recipe.teacher.temperature", "was 0.7", "is 1.0"):
        run(journal, good, "a", recipe=other)
    with refused(tmp_path / "j", "recipe.seed", "was null", "is 3"):
        run(journal, good, "a", recipe={**RECIPE, "seed": 3})
    assert journal.read_bytes() == before


def test_a_journal_of_another_backend_is_refused(tmp_path):
    run(tmp_path / "j", good, "a")
    backend = Scripted(good)
    backend.name = "other"
    with refused(tmp_path / "j", "backend", 'was "scripted"', 'is "other"'):
        ask(named("a"), backend, tmp_path / "j", RECIPE, show=False)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b'{"id": 1}\n', b"[]\n", b"\n"])
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / "j").write_bytes(content)
    with refused("no journal", "version"):
        run(tmp_path / "j", good, "a")
    assert (tmp_path / "j").read_bytes() == content


@pytest.mark.parametrize(
    "damage", [b"{", b"5", b'{"text": "a"}', b'{"id": "a", "text": "", "more": 1}', b'{"id": "a"}']
)
def test_a_damaged_line_is_named(tmp_path, damage):
    journal = tmp_path / "j"
    run(journal, good, "a", "b")
    header, _, b = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(header + damage + b"\n" + b)
    with refused(f"{journal}, line 2", "not a reply"):
        run(journal, good, "a", "b")


def test_two_processes_cannot_ask_with_one_journal(tmp_path):
    with Journal(tmp_path / "j", {}), refused(tmp_path / "j", "another process"):
        Journal(tmp_path / "j", {})
    with Journal(tmp_path / "j", {}) as journal:
        assert journal.answered == {}


def test_a_journal_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with refused("journal", tmp_path / "file" / "j", "cannot be written"):
        run(tmp_path / "file" / "j", good, "a")


def test_tokens_are_summed_over_all_lines(tmp_path):
    assert tokens_spent(tmp_path / "j") == 0
    run(tmp_path / "j", good, "a", "b")
    assert tokens_spent(tmp_path / "j") == 14


def test_requests_are_made_when_their_turn_comes_and_only_if_they_are_asked(tmp_path):
    made: list[str] = []

    def making(prompt: str) -> Callable[[], Request]:
        return lambda: made.append(prompt) or request(prompt)  # type: ignore[func-returns-value]

    def answer(prompt: str) -> Response:
        assert made[-1] == prompt, "made one by one"
        return good(prompt)

    run(tmp_path / "j", good, "a")
    found = ask(
        ((f"id {prompt}", making(prompt)) for prompt in "abc"), Scripted(answer), tmp_path / "j", RECIPE, show=False
    )
    assert made == ["b", "c"]
    assert len(found) == 3


def test_two_requests_with_one_id_are_an_error(tmp_path):
    with refused("two requests", "id x", by=ValueError):
        ask([("x", lambda: request("a"))] * 2, Scripted(good), tmp_path / "j", RECIPE, show=False)


def test_the_bar_shows_tokens_and_failures(tmp_path, capsys):
    ask(named("a", "b"), Scripted(good), tmp_path / "j", RECIPE)
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert "replies/s" in shown
    assert "tokens=14" in shown
    assert "failed=0" in shown


# --- with the API backend, killed and interrupted ----------------------------------------------------------------


def start(server: Server, journal: Path, prompts: int, concurrency: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "tests.traces.asking", server.url, str(journal), str(prompts), str(concurrency)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_killed_run_goes_on_and_pays_twice_only_for_what_was_in_flight(tmp_path):
    journal, concurrency = tmp_path / "j", 4

    def answer(call: Call, before: int) -> Reply:
        reply = echo(call, before)
        reply.delay_s = 0.02
        return reply

    with serving(answer) as server:
        for mark in (10, 30):
            process = start(server, journal, 60, concurrency)
            wait_for(lambda mark=mark: len(server.calls) >= mark)  # type: ignore[misc]
            process.kill()
            process.communicate()
            assert process.returncode == -signal.SIGKILL
        wait_for(lambda: server.now == 0)
        kept = {json.loads(line)["id"] for line in journal.read_bytes().split(b"\n")[1:-1]}
        before = server.prompts
        assert len(kept) >= len(set(before)) - concurrency, "only what was in flight is lost"
        process = start(server, journal, 60, concurrency)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert out.endswith("60 right\n")
    assert set(server.prompts) == {f"id{i}" for i in range(60)}
    assert not kept.intersection(server.prompts[len(before) :]), "what was kept is not asked again"
    again = len(server.prompts) - 60
    assert 0 < again <= 2 * concurrency, "two kills"
    assert max(server.prompts.count(prompt) for prompt in kept) <= 2


def test_ctrl_c_waits_for_what_is_on_its_way_and_asks_nothing_more(tmp_path):
    journal, hold = tmp_path / "j", threading.Event()

    def answer(call: Call, before: int) -> Reply:
        if int(call.prompt.removeprefix("id")) >= 5:
            hold.wait(60)
        return echo(call, before)

    with serving(answer) as server:
        process = start(server, journal, 50, 3)
        wait_for(lambda: len(server.calls) == 8)  # 5 answered, 3 on their way
        wait_for(lambda: len(lines(journal)) == 6)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        hold.set()
        _, err = process.communicate(timeout=60)
        assert process.returncode != 0
        line_that_says(err, "stopping", "waiting", "replies")
        assert "KeyboardInterrupt" in err
        asked = len(server.calls)
        assert asked <= 8 + 1, "at most the one that was ready to go"
        assert len(lines(journal)) - 1 == asked


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    journal, hold = tmp_path / "j", threading.Event()

    def answer(call: Call, before: int) -> Reply:
        hold.wait(60)
        return echo(call, before)

    with serving(answer) as server:
        process = start(server, journal, 50, 3)
        wait_for(lambda: len(server.calls) == 3)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        for line in process.stderr:  # two signals at once are one
            if "stopping" in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode != 0
        assert not hold.is_set()
        hold.set()
    assert len(lines(journal)) == 1


def test_a_budget_spans_the_runs_of_a_journal(tmp_path):
    prompts = named(*map(str, range(30)))
    with serving(echo) as server:  # each costs 15, and may cost 1 or 2 + 64 + 32

        def go(recipe: TeacherRecipe) -> dict[str, Response]:
            teacher = open_backend(recipe.spec, spent=tokens_spent(tmp_path / "j"))
            return ask(prompts, teacher, tmp_path / "j", recipe.identity(), say=lambda said: None, show=False)

        recipe = read_recipe(
            TeacherRecipe,
            None,
            ["name=openai", "model=m", "max_new_tokens=32", "concurrency=2"]
            + ["max_total_tokens=300", f"base_url={server.url}"],
        )
        with pytest.raises(BudgetSpent):
            go(recipe)
        asked = len(server.calls)
        assert tokens_spent(tmp_path / "j") == 15 * asked <= 300
        with pytest.raises(BudgetSpent):
            go(recipe)
        assert len(server.calls) == asked
        more = read_recipe(
            TeacherRecipe, None, ["name=openai", "model=m", "max_new_tokens=32", f"base_url={server.url}"]
        )
        assert len(go(more)) == 30
        assert len(server.calls) == 30


def test_failures_of_the_endpoint_are_counted_and_asked_again_by_the_next_run(tmp_path):
    sick = {"id 3", "id 7"}
    with serving(lambda call, before: failing(500) if call.prompt in sick else echo(call, before)) as server:
        backend = OpenAIBackend("m", sampling=Sampling(8), base_url=server.url, retries=0)
        requests = {f"id {i}": request(f"id {i}") for i in range(9)}
        said: list[str] = []
        found = ask(requests, backend, tmp_path / "j", {}, say=said.append, show=False)
        assert {id for id, response in found.items() if response.error} == sick
        says(said[-1], "2 of 9", "failed", "500: ")
        assert any(id in said[-1] for id in sick)
        sick.clear()
        found = ask(requests, backend, tmp_path / "j", {}, say=said.append, show=False)
    assert all(response.text == f"re: {id}" for id, response in found.items())
    assert len(server.calls) == 11


def teacher(**keys: Any) -> TeacherRecipe:
    return build_recipe(TeacherRecipe, keys, "test")


# --- the recipe --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"name": "openai", "model": "m", "samples": 4, "temperature": 1, "concurrency": 64, "max_total_tokens": 10**6},
        {"name": "vllm", "model": "m", "samples": 4, "temperature": 1.0, "gpus": 8, "batch_size": 1024},
        {"name": "hf", "model": "checkpoints/stage1/final", "batch_size": 4, "device": "cpu"},
    ],
)
def test_good_recipes_pass_and_travel_to_other_processes(recipe):
    made = teacher(**recipe)
    assert pickle.loads(pickle.dumps(made)) == made
    assert build_recipe(TeacherRecipe, to_plain(made), "saved") == made


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"temperature": 0.5}, ("teacher.temperature", "teacher oracle", "leave it out")),
        ({"model": "m"}, ("teacher.model", "teacher oracle", "leave it out")),
        ({"name": "openai", "model": "m", "gpus": 2}, ("no key", "gpus", "vllm", "openai")),
        ({"name": "vllm", "model": "m", "concurrency": 2}, ("no key", "concurrency", "openai", "vllm")),
        ({"name": "hf", "model": "m", "base_url": "http://x"}, ("no key", "base_url", "openai", "hf")),
        ({"gpus": 2}, ("no key", "gpus", "vllm", "teacher oracle")),
        ({"name": "local", "model": "m"}, ("local", "called hf")),
        ({"name": "nobody", "model": "m"}, ("teacher.name", "nobody", "oracle, hf, vllm, openai")),
        ({"name": "openai"}, ("teacher openai", "needs", "teacher.model")),
        ({"name": "hf", "model": "m", "samples": 4}, ("temperature 0", "samples", "same")),
        ({"name": "hf", "model": "m", "samples": 0}, ("teacher.samples", 1, 0)),
        ({"name": "hf", "model": "m", "batch_size": 0}, ("teacher.batch_size", 1, 0)),
        ({"name": "hf", "model": "m", "top_p": 2.0}, ("teacher.top_p", "above 0", 1, "2.0")),
        ({"name": "openai", "model": "m", "base_url": "nowhere"}, ("teacher.base_url", "http", "nowhere")),
        ({"name": "openai", "model": "m", "retries": -1}, ("teacher.retries", "zero", "-1")),
    ],
)
def test_recipes_that_cannot_be_asked_are_refused_with_the_key(recipe, said):
    with refused(*said):
        teacher(**recipe)


def test_how_fast_and_for_how_much_is_no_part_of_the_identity():
    one = teacher(name="openai", model="m", temperature=1.0)
    assert (
        one.identity()
        == teacher(name="openai", model="m", samples=8, temperature=1.0, concurrency=99, retries=1).identity()
    )
    assert one.identity() != teacher(name="openai", model="m", temperature=0.9).identity()
    assert one.identity() != teacher(name="openai", model="m", temperature=1.0, seed=1).identity()


def test_the_api_teacher_is_opened_with_all_that_the_recipe_says():
    recipe = teacher(
        name="openai",
        model="m",
        max_new_tokens=7,
        temperature=0.5,
        top_p=0.9,
        seed=4,
        base_url="http://localhost:1/v1",
        api_key_env="MINE",
        concurrency=3,
        requests_per_minute=30.0,
        max_total_tokens=99,
        timeout_s=5.0,
        retries=2,
        token_limit_key="max_completion_tokens",
    )
    opened = open_backend(recipe.spec, spent=9)
    assert isinstance(opened, OpenAIBackend)
    assert opened.sampling == Sampling(7, 0.5, 0.9, 4)
    assert (opened.model, opened.base_url, opened.api_key_env) == ("m", "http://localhost:1/v1", "MINE")
    assert (opened.concurrency, opened.timeout_s, opened.retries) == (3, 5.0, 2)
    assert (opened.turns.gap_s, opened.budget.limit, opened.budget.spent) == (2.0, 99, 9)
    assert opened.token_limit_key == "max_completion_tokens"


def test_the_oracle_has_no_model():
    with pytest.raises(ValueError, match="no model"):
        _ = TeacherRecipe().spec
