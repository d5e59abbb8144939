"""`idf-eval --episodes`: a model behind an endpoint, baselines and a tiny checkpoint act over turns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from idf.env import Episode, Options, Oracle
from idf.evaluation import read_results, read_samples
from idf.suites import Item, read_suite
from idf.worlds import WORLDS
from tests.backends.server import Call, Reply, completion, failing, serving
from tests.cli.running import evaluate, one_sentence, run
from tests.evaluation.samples import parts_of
from tests.sentences import says

ROOT = Path(__file__).parents[2]
SHOWS = {"tqa": "text", "vqa": "picture", "vtqa": "both"}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("episodes") / "suite"
    assert run("suite", "--out", folder, "--items", 2, "difficulties=[easy,medium]", "max_pixels=3136") == 0
    return folder


def text_of(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["content"] if part["type"] == "text")


def playing(
    suite: Path,
    mode: str = "tqa",
    player: Callable[[Item, Episode], str | None] = lambda item, episode: None,
    **options: Any,
) -> Callable[[Call, int], Reply]:
    """A server that plays as the oracle, unless a function says something else; it knows nothing but the conversation."""
    settings = Options(SHOWS[mode], **{"max_moves": 50, "max_pixels": 3136, **options})
    openings = {Episode(item.problem, settings).reset().text: item for item in read_suite(suite)}

    def answer(call: Call, before: int) -> Reply:
        messages = call.body["messages"]
        item = openings[text_of(messages[0])]
        episode = Episode(item.problem, settings)
        episode.reset()
        for at, message in enumerate(messages[1:], 1):
            if message["role"] == "assistant":
                assert text_of(messages[at + 1]) == episode.step(text_of(message)).observation.text
        return completion(player(item, episode) or Oracle(episode).reply(), 11, 7)

    return answer


def ask(url: str, suite: Path, out: Path, *more: object) -> int:
    common = (
        "--backend",
        "openai",
        "--base-url",
        url,
        "--suite",
        suite,
        "--episodes",
        "--out",
        out,
        "--max-pixels",
        3136,
    )
    return evaluate("some-model", *common, "--concurrency", 2, *more)


@pytest.mark.parametrize("mode", ["tqa", "vtqa"])
def test_the_oracle_behind_an_endpoint_solves_every_episode(mode, suite, tmp_path):
    with serving(playing(suite, mode, probe_every=2)) as server:
        assert ask(server.url, suite, tmp_path / "o", "--modes", mode, "--probe-every", 2) == 0
    rows = read_samples(tmp_path / "o")
    assert len(rows) == 20
    for row in rows:
        item = next(item for item in read_suite(suite) if item.id == row.id)
        world, steps = WORLDS[row.world], len(WORLDS[row.world].solve(item.problem))
        told = row.episode
        assert row.correct
        assert told["moves"] == steps
        assert row.moves == row.optimal == (steps if world.plans else None)
        assert told["replies"] == len(row.turns)
        assert (row.prompt_tokens, row.completion_tokens) == (11 * len(row.turns), 7 * len(row.turns)), "of all turns"
        assert set(told["beliefs"]) <= {1.0}
        assert row.turns[0]["seen"] == Episode(item.problem, Options(SHOWS[mode], max_moves=50)).reset().text
    shown = [
        [part["type"] for message in call.body["messages"] for part in message["content"]].count("image_url")
        for call in server.calls
    ]
    assert set(shown) == ({0} if mode == "tqa" else {1}), "the newest picture alone"
    results = read_results(tmp_path / "o")
    assert results["run"]["episodes"] == {"max_moves": 50, "probe_every": 2}
    assert results["worlds"]["wood_slide"][mode]["all"]["episodes"]["ends"] == {"solved": 4}
    assert "random" in results["baselines"]["wood_slide"][mode]["all"]


def test_the_newest_picture_is_that_of_the_present_state(suite, tmp_path):
    with serving(playing(suite, "vtqa")) as server:
        assert ask(server.url, suite, tmp_path / "o", "--modes", "vtqa") == 0
    seen: dict[str, list[str]] = {}
    for call in server.calls:
        seen.setdefault(text_of(call.body["messages"][0]), []).append(picture_of(call))
    for opening, pictures in seen.items():
        plans = "storekeeper" in opening or "sliding" in opening
        assert len(set(pictures)) == (len(pictures) if plans else 1)


def picture_of(call: Call) -> str:
    shown = [part for message in call.body["messages"] for part in message["content"] if "image_url" in part]
    (picture,) = [part["image_url"]["url"] for part in shown]
    return str(picture)


def test_a_picture_alone_leaves_the_state_to_the_picture(suite, tmp_path):
    with serving(lambda call, before: completion("hm", 11, 7)) as server:
        assert ask(server.url, suite, tmp_path / "o", "--modes", "vqa", "--max-moves", 2) == 0
    for call in server.calls:
        assert picture_of(call)
        assert not any(sign in call.prompt for sign in ("# # #", "/6788/"))
    assert {row.error for row in read_samples(tmp_path / "o")} <= {"incomplete", "unparsed"}


def test_what_goes_wrong_is_counted_told_and_shown(capsys, suite, tmp_path):
    def player(item: Item, episode: Episode) -> str | None:
        if item.problem.world == "moving_box":  # a wall, a riddle, then right
            if episode.illegal == 0:
                legal = episode.world.legal_actions(episode.state)
                return next(move for move in "udlr" if move not in legal) if len(legal) < 4 else None
            return "hm" if episode.unreadable == 0 else None
        if item.problem.world == "cube_rolling":
            return episode.world.line(episode.state) if episode.asks == "state" else "no idea"
        return "u u" if item.problem.world == "wood_slide" else None

    with serving(playing(suite, player=player, max_moves=4)) as server:
        assert ask(server.url, suite, tmp_path / "o", "--modes", "tqa", "--max-moves", 4) == 0
    rows = {world: [row for row in read_samples(tmp_path / "o") if row.world == world] for world in WORLDS}
    for row in rows["wood_slide"]:
        assert (row.correct, row.error, row.cause, row.episode["end"]) == (False, "incomplete", "format", "moves")
        assert row.episode["unreadable"] == 4
    for row in rows["cube_rolling"]:
        if row.episode["end"] == "answered":
            assert (row.error, row.cause, row.wrong_step) == ("unparsed", "format", None)
        assert row.episode["right"] == 0
    for row in rows["moving_box"]:
        assert row.episode["illegal"] == 1
        if not row.correct:
            assert (row.error, row.cause) == ("incomplete", "transformation")
    cells = read_results(tmp_path / "o")["worlds"]
    told = cells["wood_slide"]["tqa"]["all"]["episodes"]
    assert (told["unreadable"], told["moves"], told["ends"]) == (16, 0, {"moves": 4})
    said = capsys.readouterr().out
    assert "out of replies" in said
    assert "### Over turns" in (tmp_path / "o" / "report.md").read_text()
    parts = parts_of(tmp_path / "o" / "report.html")
    details = [row for name, part in parts.items() if name.startswith("details") for row in part["rows"]]
    assert len(details) == 20
    for each in details:
        assert {"asks", "seen", "said", "came"} == set(each["turns"][0])
        assert each["replay"]["along"] in ("made", "course")
    wrong = next(
        each for each in details if each["replay"]["along"] == "course" and each["replay"]["first"] is not None
    )
    assert wrong["replay"]["claims"][str(wrong["replay"]["first"])][0] is False


def test_what_failed_ends_its_episode_and_the_same_command_asks_for_it_alone(suite, tmp_path):
    with serving(playing(suite)) as server:
        assert ask(server.url, suite, tmp_path / "straight", "--modes", "tqa") == 0
    straight = [call.body["messages"] for call in server.calls]
    good = playing(suite)

    def comes_late(messages: list[dict[str, Any]]) -> bool:
        """Whether it is the third turn of a plan, or a later one."""
        deep = sum(message["role"] == "assistant" for message in messages)
        return deep >= 2 and "Move: <move>" in text_of(messages[0])

    def at_first_fails(call: Call, before: int) -> Reply:
        return failing(400) if comes_late(call.body["messages"]) else good(call, before)

    with serving(at_first_fails) as server:
        url = server.url
        assert ask(url, suite, tmp_path / "o", "--modes", "tqa") == 0
        broken = [row for row in read_samples(tmp_path / "o") if row.error == "error"]
        assert broken
        assert read_results(tmp_path / "o")["run"]["failed"] == len(broken)
        before = len(server.calls)
        server.answer = good
        assert ask(url, suite, tmp_path / "o", "--modes", "tqa") == 0
        again = [call.body["messages"] for call in server.calls[before:]]
    assert all(map(comes_late, again))
    assert len(again) == sum(map(comes_late, straight))
    assert (tmp_path / "o/samples.jsonl").read_bytes() == (tmp_path / "straight/samples.jsonl").read_bytes()


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_asks_nothing_twice(suite, tmp_path):
    with serving(playing(suite)) as server:
        assert ask(server.url, suite, tmp_path / "straight", "--modes", "tqa") == 0
        expected = len(server.calls)
    good = playing(suite)

    def slowly(call: Call, before: int) -> Reply:
        return replace(good(call, before), delay_s=0.1)

    with serving(slowly) as server:
        options = [
            "--backend",
            "openai",
            "--base-url",
            server.url,
            "--suite",
            str(suite),
            "--episodes",
            "--modes",
            "tqa",
        ]
        options += ["--concurrency", "2", "--max-pixels", "3136", "--out", str(tmp_path / "o")]
        for kill_at in (9, 30, None):
            process = subprocess.Popen(
                [sys.executable, "-m", "idf.cli.evaluate", "some-model", *options],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            while kill_at is not None and len(server.calls) < kill_at and process.poll() is None:
                time.sleep(0.02)
            if kill_at is not None:
                process.send_signal(signal.SIGKILL)
            errors = process.communicate(timeout=300)[1]
            assert kill_at is not None or process.returncode == 0, errors
        asked = len(server.calls)
    assert expected <= asked <= expected + 2 * 2, "what was under way when it was killed, twice"
    straight, killed = read_samples(tmp_path / "straight"), read_samples(tmp_path / "o")
    assert [row.to_json() for row in straight] == [row.to_json() for row in killed]


@pytest.mark.parametrize("player", ["oracle", "initial", "random"])
def test_baselines_play_over_turns_and_their_row_is_that_of_every_table(player, suite, tmp_path):
    out = tmp_path / "o"
    assert evaluate("--baseline", player, "--suite", suite, "--episodes", "--modes", "tqa,vqa", "--out", out) == 0
    results, rows = read_results(out), read_samples(out)
    assert all(row.correct for row in rows) == (player == "oracle")
    if player == "initial":
        for world, modes in results["worlds"].items():
            assert modes["vqa"]["all"]["accuracy"] == results["baselines"][world]["vqa"]["all"]["initial"]


def test_an_evaluation_over_turns_is_judged_again_by_playing_its_replies_again(suite, tmp_path):
    out = tmp_path / "o"
    assert evaluate("--baseline", "random", "--suite", suite, "--episodes", "--modes", "tqa", "--out", out) == 0
    before = [row.to_json() for row in read_samples(out)]
    lines = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    (out / "samples.jsonl").write_text("".join(json.dumps(line | {"detail": "?"}) + "\n" for line in lines))
    assert evaluate("--rescore", out) == 0
    assert [row.to_json() for row in read_samples(out)] == before


def test_over_turns_and_at_once_are_two_evaluations(capsys, suite, tmp_path):
    common = ("--baseline", "oracle", "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o")
    assert evaluate(*common, "--episodes") == 0
    assert evaluate(*common) == 1
    says(one_sentence(capsys, "idf-eval"), "another evaluation")
    assert evaluate(*common, "--episodes", "--max-moves", 9) == 1
    says(one_sentence(capsys, "idf-eval"), "episodes", 50, 9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-moves", 3), ("--max-moves", "--episodes")),
        (("--episodes", "--max-moves", 0), ("max_moves", 1)),
        (("--episodes", "--parser", "openai:m"), ("--parser", "--episodes")),
        (("--episodes", "--prompts", "idf-short-1"), ("--prompts", "--episodes")),
        (("--episodes", "--pictures", "published"), ("--pictures", "--episodes")),
        (("--episodes", "--damage", "blur-1"), ("--damage", "--episodes")),
        (("--episodes", "--held-out"), ("--held-out", "--episodes")),
    ],
)
def test_what_does_not_go_with_turns_is_refused(capsys, options, words, suite, tmp_path):
    model = ("m", "--backend", "openai", "--base-url", "http://127.0.0.1:9/v1")
    assert evaluate(*model, "--suite", suite, "--out", tmp_path / "o", *options) == 1
    says(one_sentence(capsys, "idf-eval"), *words)


@pytest.mark.slow
def test_a_checkpoint_plays_and_workers_share_its_episodes(suite, tmp_path):
    from idf.training.tiny import make_tiny_model
    from tests.backends.server import request

    shown = Options("both", max_moves=2, max_pixels=3136)
    texts = [request(Episode(item.problem, shown).reset().text) for item in read_suite(suite)]
    make_tiny_model([SimpleNamespace(samples=lambda: texts)], tmp_path / "model", vocabulary=600)  # type: ignore[list-item]
    common = (tmp_path / "model", "--suite", suite, "--episodes", "--max-moves", 2, "--modes", "vtqa", "--out")
    settings = ("--max-new-tokens", 4, "--batch-size", 8, "--max-pixels", 3136)
    for share in ("0/2", "1/2"):
        assert evaluate(*common, tmp_path / "o", *settings, "--worker", share) == 0
    answers = sorted((tmp_path / "o/answers").glob("*.jsonl"))
    assert len(answers) == 2
    assert evaluate(*common, tmp_path / "o", *settings) == 0
    assert sorted((tmp_path / "o/answers").glob("*.jsonl")) == answers, "the last process found every reply"
    rows = read_samples(tmp_path / "o")
    assert len(rows) == 20
    assert {len(row.turns) for row in rows} <= {1, 2, 3}
    assert all(row.prompt_tokens > 0 and row.completion_tokens > 0 for row in rows)
    assert sum(line.count("\n") - 1 for line in map(Path.read_text, answers)) == sum(len(row.turns) for row in rows)


@pytest.mark.slow
def test_a_browser_shows_every_turn(page, suite, tmp_path):
    out = tmp_path / "o"
    common = ("--baseline", "random", "--suite", suite, "--episodes", "--max-moves", 3, "--modes", "tqa", "--out", out)
    assert evaluate(*common) == 0
    row = next(row for row in read_samples(out) if row.world == "wood_slide" and not row.correct)
    page.goto(f"{(out / 'report.html').as_uri()}#{row.id.replace(':', '%3A')}%40tqa")
    page.wait_for_selector("#item .turn")
    shown = page.inner_text("#item")
    for turn in row.turns:
        assert turn["said"] in shown
        assert turn["seen"].splitlines()[0] in shown
    assert "along the moves that were made" in shown
