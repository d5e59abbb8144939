"""What the page shows of one item and of one response: what was asked and is true, and the replay."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from idf.drawing import draw, encode_indexed_png, own_pixels
from idf.errors import UserError
from idf.scoring import Claim, read_trace
from idf.suites import PROMPTS, Exercise, Item, item_prompt
from idf.worlds import PARTS, WORLDS, IllegalAction, Problem, Walk, World

from ..metrics.episodes import EPISODE_PROMPTS
from ..metrics.row import Row
from .turns import replay_of_turns

_PIXELS = 80_000  # of a picture on the page
_COLOURS = 128  # of its palette: the drawings use few, and a palette makes the file a quarter of the size


def item_details(item: Item, modes: Sequence[str], prompts: str | None, pictured: bool) -> dict[str, Any]:
    """What was asked of an item in some modes, its picture, its true answer, and its states along an optimal plan."""
    asked = {
        "questions": questions(item, modes, prompts),
        "picture": _picture(item) if pictured else None,
    }
    return asked | (_of_problem(item.problem) if item.exercise is None else _of_exercise(item.exercise))


def _of_exercise(exercise: Exercise) -> dict[str, Any]:
    """The true answer of an exercise, and the states that are to be imagined."""
    if isinstance(exercise.shown, Problem):
        return _of_problem(exercise.shown)
    world, shown = WORLDS[exercise.world], exercise.shown
    return {
        "truth": exercise.answer,
        "plans": False,
        "start": world.write(shown.start),
        "actions": list(shown.actions),
        "states": [world.line(state) for state in world.replay(shown.start, shown.actions)],
    }


def _of_problem(problem: Problem[Any, Any]) -> dict[str, Any]:
    """The true answer of a problem, and its states along an optimal plan."""
    world = WORLDS[problem.world]
    # Of a scene that is shown in part there is no one course.
    start = world.see(problem) if world.in_part else world.write(problem.start)
    actions = () if world.in_part else world.solve(problem)
    states = [start] if world.in_part else [world.line(state) for state in world.replay(problem.start, actions)]
    return {
        "truth": world.answer(problem).write(world.truth(problem)),
        "plans": world.plans,
        "start": start,
        "actions": list(actions),
        "states": states,
    }


def questions(item: Item, modes: Sequence[str], prompts: str | None) -> dict[str, tuple[str | None, str]]:
    """For each mode the text of the prompt, or None and why it is not known."""
    name = next(iter(PROMPTS)) if prompts is None else prompts
    if name == EPISODE_PROMPTS:
        return {mode: (None, "it was asked over turns, which stand below") for mode in modes}
    found: dict[str, tuple[str | None, str]] = {}
    for mode in modes:
        try:
            found[mode] = item_prompt(item, mode, name), ""
        except (ValueError, UserError) as why:  # rows of another version, or of a suite that has changed since
            found[mode] = None, str(why)
    return found


def _picture(item: Item) -> str:
    """The picture of an item for the page: that of its suite if idf drew it and it is small enough, else a drawing."""
    try:
        own = None if item.picture is None else own_pixels(item.picture.read_bytes(), _PIXELS)
    except OSError:  # it is gone, or nobody may read it: a drawing shows the same
        own = None
    pixels = draw(item.scene, _PIXELS) if own is None else own
    # The colour of a small thing matters as much as that of the floor: an octree, not median cut.
    few = Image.fromarray(pixels).quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    assert few.palette is not None  # it has been given one
    file = encode_indexed_png(np.asarray(few), bytes(few.palette.palette))
    return f"data:image/png;base64,{b64encode(file).decode()}"


# --- responses ---------------------------------------------------------------------------------------------------

_KEPT = (
    *("response", "parsed", "detail", "prompt_tokens", "completion_tokens", "finish_reason", "moves", "optimal"),
    *("official", "solved_prefix", "cause_detail", "size", "seconds"),
)


def row_details(row: Row, task: Problem[Any, Any] | Exercise | None) -> dict[str, Any]:
    """What a response says and how it was judged, with its replay if the problem or exercise is there."""
    said = {key: getattr(row, key) for key in _KEPT}
    if isinstance(task, Exercise) and not isinstance(task.shown, Problem):
        course = task.shown.start, task.shown.actions
        shown = compared(WORLDS[task.world], row, *course, "course") if row.steps else None
        return said | {"replay": shown}
    problem = task.shown if isinstance(task, Exercise) else task
    assert not isinstance(problem, Walk)
    if row.turns is not None:
        return said | {"turns": row.turns, "replay": None if problem is None else replay_of_turns(problem, row)}
    return said | {"replay": None if problem is None or problem.world in PARTS else replay(problem, row)}


def replay(problem: Problem[Any, Any], row: Row) -> dict[str, Any]:
    """A response beside the world, step by step.

    Args:
        problem: The problem that was asked.
        row: The response.

    Returns:
        `along`: whose actions are replayed: "answer" (the plan of the answer), "claims" (no plan could be read: the
        moves that the response claims on the way) or "course" (those of the item: the ones to imagine, or an optimal
        plan); `actions` and `states`, None for "course"; `stop`: why the replay ends early, or None; `claims`: number
        of the step -> [whether the claim is true or None if no state is claimed, its text unless it is true];
        `first`: the first wrong step, or None.
    """
    world = WORLDS[problem.world]
    along, actions = _actions(world, row, _standing_claims(world, row.response))
    return compared(world, row, problem.start, world.solve(problem) if actions is None else actions, along)


def compared(world: World[Any, Any], row: Row, start: Any, course: Sequence[str], along: str) -> dict[str, Any]:
    """What a response claims beside the states along some actions, as `replay` gives it.

    Args:
        world: The world.
        row: The response.
        start: The first state.
        course: The actions.
        along: Whose they are.
    """
    claims = _standing_claims(world, row.response)
    states, stop = _walk(world, start, course)
    found: dict[int, tuple[bool | None, str]] = {}
    for number, (claim, text) in sorted(claims.items()):
        action = course[number - 1] if 0 < number <= len(course) else None
        if number > len(course) or claim.action not in (None, action):
            found[number] = (False, text)
        elif claim.state is None or number >= len(states):
            found[number] = (None, text)
        else:
            true = claim.state == world.read_line(world.line(states[number]))
            found[number] = (true, "" if true else text)
    wrong = [number for number, (true, _) in found.items() if true is False]
    if stop is not None:
        wrong.append(len(states))
    first = row.wrong_step if row.wrong_step is not None else min(wrong, default=None)
    own = along != "course"
    return {
        "along": along,
        "actions": list(course) if own else None,
        "states": [world.line(state) for state in states] if own else None,
        "stop": stop,
        "claims": found,
        "first": first,
    }


def _standing_claims(world: World[Any, Any], response: str) -> dict[int, tuple[Claim, str]]:
    """The last claim of a state for each step, else the last claim of its action alone; with the lines it takes."""
    reading = read_trace(world, response)
    lines: dict[int, list[str]] = defaultdict(list)
    for line, claim in zip(reading.lines, reading.claim_of, strict=True):
        if claim is not None:
            lines[claim].append(line.strip())
    standing: dict[int, tuple[Claim, str]] = {}
    for at, said in enumerate(reading.claims):
        before = standing.get(said.number)
        if before is None or said.state is not None or before[0].state is None:
            standing[said.number] = (said, "\n".join(filter(None, lines[at])))
    return standing


def _actions(
    world: World[Any, Any], row: Row, claims: dict[int, tuple[Claim, str]]
) -> tuple[str, Sequence[str] | None]:
    """Whose actions to replay, and which; None for those of the item."""
    if not world.plans:
        return "course", None
    if isinstance(row.parsed, list) and all(isinstance(move, str) for move in row.parsed):
        return "answer", row.parsed
    claimed: list[str] = []
    while (action := claims[len(claimed) + 1][0].action if len(claimed) + 1 in claims else None) is not None:
        claimed.append(action)
    return ("claims", claimed) if claimed else ("course", None)


def _walk(world: World[Any, Any], start: Any, actions: Sequence[str]) -> tuple[list[Any], str | None]:
    """The states up to the first illegal action, and which rule it breaks."""
    states = [start]
    for number, action in enumerate(actions, 1):
        try:
            states.append(world.step(states[-1], action))
        except IllegalAction as broken:
            return states, f"move {number} ({action}) is illegal: {broken}"
    return states, None
