"""Episodes as a task of inspect_ai: the model acts turn by turn; with `simulated` it may ask the world, as an upper bound."""

import json
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, GenerateConfig
from inspect_ai.solver import Generate, Solver, TaskState, solver

from idf.drawing import encode_png
from idf.env import Episode, Observation, Options
from idf.errors import UserError
from idf.suites import open_suite
from idf.worlds import Problem, problem_from_json, problem_to_json

from ._scorer import solved
from ._simulate import simulate
from ._task import content_of


@task
def episodes(suite: str, world: str | None = None, simulated: bool = False, options: Any = None) -> Task:
    """A suite to act in: `options` as those of `idf.env.Options`, `simulated` to give the tool `simulate(state, action)`."""
    if simulated and (options or {}).get("show") == "window":
        raise UserError("simulated=true shows whole states, show=window does not: leave one of them out")
    found = {item.id: item.problem for item in open_suite(suite) if world in (None, item.problem.world)}
    samples = [Sample(id=id, input=f"act in {told.world}", metadata=_metadata(told)) for id, told in found.items()]
    config = GenerateConfig(temperature=0.0, max_tokens=4096)
    return Task(MemoryDataset(samples), solver=act(simulated, options), scorer=solved(), config=config, version=1)


@solver
def act(simulated: bool = False, options: Any = None) -> Solver:
    async def play(state: TaskState, generate: Generate) -> TaskState:
        episode = Episode(problem_from_json(json.loads(state.metadata["problem"])), Options(**(options or {})))
        opening, more = episode.reset(), ""
        if simulated:
            state.tools = [simulate(episode.world.name)]
            more = f"\n\nThe tool `simulate` knows the rules. The start is:\n{episode.world.write(episode.state)}"
        state.messages = [_message(opening, more)]
        while not episode.done and not state.completed:
            state = await generate(state)
            seen, reward, _, information = episode.step(state.output.completion)
            state.metadata["episode"] = information | {"reward": reward}
            state.messages.append(_message(seen))
        return state

    return play


def _metadata(told: Problem[Any, Any]) -> dict[str, str]:
    return {"world": told.world, "difficulty": told.difficulty, "problem": json.dumps(problem_to_json(told))}


def _message(seen: Observation, more: str = "") -> ChatMessageUser:
    picture = seen.picture()
    return ChatMessageUser(content=content_of(seen.text + more, None if picture is None else encode_png(picture)))
