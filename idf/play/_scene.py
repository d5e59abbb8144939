"""A scene to act in: what the page shows of it, the solver's next move, and a response judged and replayed.

Nothing is kept between two requests. The page names its scene and the moves since its start, so that undo is one move less.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from idf.backends import Response
from idf.drawing import draw, encode_png
from idf.errors import UserError
from idf.evaluation.report.details import row_details
from idf.evaluation.run.queries import Ask
from idf.evaluation.run.score import scored
from idf.recipe import check_names
from idf.suites import HELD_OUT_PROMPTS, MODES, PROMPTS, Item, prompt_text, published
from idf.worlds import DIFFICULTIES, PARTS, WORLDS, Draw, PlanningWorld, Problem, Walk

from ._server import PORT, SAY, Action, PlayServer, serve

MOST_MOVES = 1_000
MOST_CHARACTERS = 500_000  # of a response
_PIXELS = 602_112  # of a picture on the page
_LARGEST = 10**9  # seed and number of a scene


def try_worlds(
    world: str | None = None,
    difficulty: str = "easy",
    seed: int = 0,
    index: int = 0,
    *,
    port: int = PORT,
    browse: bool = True,
    say: Callable[[str], None] = SAY,
) -> None:
    """Serve the page on which worlds are tried by hand, until Ctrl-C.

    Args:
        world: The world that is shown first; None for the first by name.
        difficulty: Its difficulty.
        seed: The seed of its scenes, which are those of `idf suite` and `idf.problem`.
        index: The number of its scene, from 0.
        port: The port on 127.0.0.1; 0 for any free one.
        browse: Whether to open the page in the browser.
        say: Says the address.

    Raises:
        UserError: A name is unknown, a number out of range, or the port in use.
    """
    first = {"world": world or next(iter(WORLDS)), "difficulty": difficulty, "seed": seed, "index": index}
    problem_of(first)
    serve(PlayServer("scene.html", actions_of(first), port), browse=browse, say=say)


def actions_of(first: dict[str, Any]) -> dict[str, Action]:
    """What the page may ask for; it begins with a scene."""
    about = {
        "first": first,
        "worlds": [*WORLDS, *PARTS],
        "difficulties": list(DIFFICULTIES),
        "modes": list(MODES),
        "prompts": [*PROMPTS, *HELD_OUT_PROMPTS],
    }
    return {"about": lambda asked: about, "show": show, "next": next_move, "prompt": prompt, "judge": judge}


def problem_of(scene: dict[str, Any]) -> Problem[Any, Any]:
    """The problem of a scene: `world`, `difficulty`, `seed` and `index`, the same as of `idf.problem`.

    Raises:
        UserError: A name is unknown, or a number out of range.
    """
    if not isinstance(scene, dict):
        raise UserError("scene must be an object")
    check_names("world", [scene["world"]], [*WORLDS, *PARTS])
    check_names("difficulty", [scene["difficulty"]], DIFFICULTIES)
    for key in ("seed", "index"):
        if type(scene[key]) is not int or not 0 <= scene[key] <= _LARGEST:
            raise UserError(f"{key} must be a whole number from 0 to {_LARGEST}, not {scene[key]!r}")
    return _drawn(scene["world"], scene["difficulty"], scene["seed"], scene["index"])


@lru_cache(maxsize=256)
def _drawn(world: str, difficulty: str, seed: int, index: int) -> Problem[Any, Any]:
    return Draw(seed, "eval", index, difficulty, published().avoid).problem(WORLDS[world]).scene


@dataclass(frozen=True)
class Position:
    """Where some moves lead in a problem.

    Attributes:
        problem: The problem.
        moves: The moves since its start.
        state: The state that they lead to.
        given: The actions to imagine in a described world; none in a world of plans, or where a scene is shown in part.
    """

    problem: Problem[Any, Any]
    moves: tuple[str, ...]
    state: Any
    given: tuple[str, ...]

    @classmethod
    def of(cls, asked: dict[str, Any]) -> Position:
        """The position that the page names by `scene` and `moves`.

        Raises:
            UserError: The scene is unknown, or there are too many moves.
            IllegalAction: A move breaks a rule.
        """
        problem, moves = problem_of(asked["scene"]), asked["moves"]
        world = WORLDS[problem.world]
        if not isinstance(moves, list) or not all(isinstance(move, str) for move in moves) or len(moves) > MOST_MOVES:
            raise UserError(f"moves must be a list of at most {MOST_MOVES} words")
        if moves and world.in_part:
            raise UserError(f"{problem.world} shows its scenes in part: act in {world.family}")
        state = world.replay(problem.start, moves)[-1]
        given = () if world.plans or world.in_part else world.solve(problem)
        return cls(problem, tuple(moves), state, given)

    @property
    def follows(self) -> bool:
        """Whether all moves so far are the given ones."""
        return self.moves == self.given[: len(self.moves)]

    @property
    def solved(self) -> bool:
        """Whether the goal of a plan is reached."""
        world = WORLDS[self.problem.world]
        return isinstance(world, PlanningWorld) and world.is_goal(self.problem, self.state)

    def picture(self) -> str:
        """The picture of the state, with the given actions that are left, as a data address."""
        problem = self.problem
        scene: Problem[Any, Any] | Walk[Any] = problem
        if WORLDS[problem.world].plans:
            scene = replace(problem, start=self.state)
        elif self.moves:
            left = self.given[len(self.moves) :] if self.follows else ()
            scene = Walk(problem.world, problem.difficulty, self.state, left, "", "", "", "")
        return picture_address(draw(scene, _PIXELS))


def picture_address(pixels: Any) -> str:
    """A picture, (height, width, 3) RGB, as an address that holds it."""
    return f"data:image/png;base64,{b64encode(encode_png(pixels)).decode()}"


# --- what the page asks for ---------------------------------------------------------------------------------------


def show(asked: dict[str, Any]) -> dict[str, Any]:
    """What is seen at a position: task, picture, state and goal as text, legal moves, and what came of the moves."""
    at = Position.of(asked)
    problem, world = at.problem, WORLDS[at.problem.world]
    return {
        "task": world.question(problem, wording="short", described=False),
        "goal": ", ".join(f"{key} {value}" for key, value in problem.query._asdict().items()) if world.plans else "",
        "picture": at.picture(),
        "state": world.see(problem) if world.in_part else world.write(at.state),
        "actions": list(world.actions),
        "legal": [] if world.in_part else list(world.legal_actions(at.state)),
        "given": list(at.given),
        "form": world.answer(problem).form,
        "said": _said(at),
    }


def _said(at: Position) -> str:
    """What came of the moves, in one sentence."""
    count = f"{len(at.moves)} move{'' if len(at.moves) == 1 else 's'}"
    if WORLDS[at.problem.world].in_part:
        return "The scene is shown in part: read it, and answer below."
    if at.solved:
        return f"Solved in {count}; {len(WORLDS[at.problem.world].solve(at.problem))} are enough."
    if at.given and not at.follows:
        return f"{count}: not the actions to imagine."
    if at.given and len(at.moves) == len(at.given):
        return f"{count}: all actions to imagine are made. Read the answer off the state."
    return f"{count}." if at.moves else "The start."


def next_move(asked: dict[str, Any]) -> dict[str, Any]:
    """The solver's next move, or None and why there is none; `said` is the sentence for the page."""
    at = Position.of(asked)
    world = WORLDS[at.problem.world]
    if not world.plans:
        left = at.given[len(at.moves) :]
        if at.follows and left:
            return {
                "move": left[0],
                "said": f"Next: {left[0]}. {len(left)} of {len(at.given)} actions to imagine are left.",
            }
        why = "No action to imagine is left." if at.follows else "The moves are not the actions to imagine: undo."
        return {"move": None, "said": why}
    if at.solved:
        return {"move": None, "said": "The goal is reached."}
    try:
        plan = world.solve(replace(at.problem, start=at.state))
    except ValueError:
        return {"move": None, "said": "From here the goal can no longer be reached: undo."}
    count = "1 move is" if len(plan) == 1 else f"{len(plan)} moves are"
    return {"move": plan[0], "said": f"Next: {plan[0]}. {count} left on a shortest way."}


def prompt(asked: dict[str, Any]) -> dict[str, Any]:
    """The prompt that a model gets for the scene, in a mode and a prompt set."""
    check_names("mode", [asked["mode"]], MODES)
    check_names("prompts", [asked["prompts"]], [*PROMPTS, *HELD_OUT_PROMPTS])
    text = prompt_text(problem_of(asked["scene"]), asked["mode"], asked["prompts"])
    return {"prompt": text, "pictured": asked["mode"] != "tqa"}


def judge(asked: dict[str, Any]) -> dict[str, Any]:
    """A response judged as idf-eval does, and its replay beside the world."""
    if not isinstance(asked["response"], str):
        raise UserError("response must be a text")
    if len(asked["response"]) > MOST_CHARACTERS:
        raise UserError(
            f"a response has at most {MOST_CHARACTERS:,} characters here; idf-eval --responses takes longer ones"
        )
    problem = problem_of(asked["scene"])
    world = WORLDS[problem.world]
    row = scored(Ask(Item("scene", problem), "vtqa"), Response(asked["response"]))
    found = row_details(row, problem)["replay"]
    return {
        "correct": row.correct,
        "error": row.error,
        "detail": row.detail,
        "parsed": None if row.parsed is None else _in_words(row.parsed),
        "truth": world.answer(problem).write(world.truth(problem)),
        "cause": row.cause,
        "cause_detail": row.cause_detail,
        "stop": found and found["stop"],
        "first": found and found["first"],
        "steps": [] if found is None else _steps(problem, found),
    }


def _in_words(parsed: Any) -> str:
    """A parsed answer on one line."""
    if isinstance(parsed, dict):
        return ", ".join(f"{key} {value}" for key, value in parsed.items())
    return " ".join(map(str, parsed)) or "none" if isinstance(parsed, list | tuple) else str(parsed)


def _steps(problem: Problem[Any, Any], found: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a replay: action, true state, and what the response claims of it."""
    world = WORLDS[problem.world]
    actions: Sequence[str] = world.solve(problem) if found["actions"] is None else found["actions"]
    states = found["states"] or [world.line(state) for state in world.replay(problem.start, actions)]
    claims = found["claims"]
    return [
        {
            "action": actions[number - 1] if number else "start",
            "state": state,
            "claim": claims[number][0] if number in claims else None,
            "claimed": claims[number][1] if number in claims else "",
        }
        for number, state in enumerate(states)
    ]
