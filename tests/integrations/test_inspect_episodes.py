"""Episodes in inspect_ai, over turns, played by its own mock model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idf.env import Episode, Options, Oracle
from idf.suites import open_suite
from idf.worlds import WORLDS, problem_from_json
from tests.integrations.suites import needs, small_suite
from tests.sentences import refused

pytestmark = [needs("inspect_ai"), pytest.mark.slow]

Said = str | tuple[str, str]
"""What the mock model says: a text, or a call of the tool with a state and an action."""


def played(folder: Path, script: Callable[[Episode], list[Said]], **task: Any) -> Any:
    """The log of a run in which the mock model says what a function says of each episode."""
    from inspect_ai import eval as evaluate
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from idf.integrations.inspect import episodes

    outputs = []
    for item in open_suite(str(small_suite())):
        if task.get("world") in (None, item.problem.world):
            episode = Episode(item.problem, Options(**task.get("options", {})))
            for said in script(episode):
                if isinstance(said, str):
                    outputs.append(ModelOutput.from_content("mockllm", said))
                else:
                    call = {"state": said[0], "action": said[1]}
                    outputs.append(ModelOutput.for_tool_call("mockllm", "simulate", call))
                outputs[-1].usage = ModelUsage(input_tokens=90, output_tokens=7, total_tokens=97)  # else it downloads
    model = get_model("mockllm/model", custom_outputs=outputs)
    run = episodes(str(small_suite()), **task)
    (log,) = evaluate(run, model=model, log_dir=str(folder), display="none", max_samples=1)
    assert log.status == "success", log.error
    return log


def oracle(episode: Episode) -> list[Said]:
    episode.reset()
    player, said = Oracle(episode), list[Said]()
    while not episode.done:
        said.append(player.reply())
        episode.step(said[-1])
    return said


def accuracy(log: Any) -> float:
    return log.results.scores[0].metrics["accuracy"].value


@pytest.mark.parametrize("options", [{}, {"show": "both", "probe_every": 1, "max_pixels": 50_176}])
def test_the_oracle_solves_20_episodes_over_turns(options, tmp_path):
    log = played(tmp_path, oracle, options=options)
    assert accuracy(log) == 1.0
    assert len(log.samples) == 20
    for sample in log.samples:
        told = sample.scores["solved"].metadata
        problem = problem_from_json(json.loads(sample.metadata["problem"]))
        assert told["moves"] == len(WORLDS[problem.world].solve(problem))
        assert (told["illegal"], told["unreadable"], told["wrong"]) == (0, 0, 0)
        assert set(told["beliefs"]) <= {1.0}
        kinds = [part.type for part in sample.messages[0].content]
        assert kinds == (["image", "text"] if options else ["text"])
        said = [message.role for message in sample.messages]
        assert said == ["user", "assistant"] * (len(said) // 2) + ["user"]
    assert log.results.scores[0].metrics["wilson95_low"].value > 0.8


def test_a_player_that_errs_is_wrong_and_its_counts_are_kept(tmp_path):
    def bad(episode: Episode) -> list[Said]:
        return ["hm", "d d", "no idea"]

    log = played(tmp_path, bad, world="wood_slide", options={"max_moves": 3})
    assert accuracy(log) == 0.0
    for sample in log.samples:
        told = sample.scores["solved"].metadata
        assert (told["unreadable"], told["end"]) == (3, "moves")


def test_the_tool_says_what_an_action_leads_to_and_what_breaks_a_rule(tmp_path):
    def asks_first(episode: Episode) -> list[Said]:
        said = oracle(episode)
        start = episode.world.write(episode.problem.start)
        action = episode.world.solve(episode.problem)[0]
        return [(start, action), (start, "fly"), ("nothing", action), *said]

    log = played(tmp_path, asks_first, world="moving_box", simulated=True)
    assert accuracy(log) == 1.0
    for sample in log.samples:
        problem = problem_from_json(json.loads(sample.metadata["problem"]))
        world = WORLDS[problem.world]
        told, flown, unread = (message for message in sample.messages if message.role == "tool")
        assert told.text == world.write(world.step(problem.start, world.solve(problem)[0]))
        assert "fly" in flown.error.message
        assert "edge" in unread.error.message or "symbol" in unread.error.message
        assert sample.scores["solved"].metadata["moves"] == len(world.solve(problem))
        assert world.write(problem.start) in sample.messages[0].text.rpartition("simulate")[2]


def test_the_tool_does_not_go_with_a_window():
    from idf.integrations.inspect import episodes

    with refused("simulated", "window"):
        episodes(str(small_suite()), world="moving_box", simulated=True, options={"show": "window"})
