"""One problem, turn by turn: what is seen, what a reply does, and what it earns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from idf.errors import UserError
from idf.scoring import Unreadable, Verdict, claims_state, read_move, score, score_belief
from idf.worlds import WORLDS, IllegalAction, PlanningWorld, Problem

from . import _words as words
from ._options import Options
from ._source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

END_OF_EPISODE = ("solved", "answered", "moves", "tokens")
"""Why an episode ended: the goal is reached, the question is answered, or a budget is spent."""


@dataclass(frozen=True)
class Observation:
    """What is seen at one turn.

    Attributes:
        text: What is said.
        shown: The scene whose picture is new at this turn; None if none is.
        max_pixels: Largest picture.
    """

    text: str
    shown: Problem[Any, Any] | None = None
    max_pixels: int | None = None

    def picture(self) -> NDArray[np.uint8] | None:
        """(height, width, 3) RGB, drawn now; None if this turn shows no new picture."""
        if self.shown is None:
            return None
        from idf.drawing import draw  # not above: who asks for no picture needs no NumPy

        return draw(self.shown, self.max_pixels)


class Step(NamedTuple):
    """What a reply leads to.

    Attributes:
        observation: What is seen now.
        reward: 1 if the episode has ended well with this reply, else 0.
        done: Whether the episode has ended.
        information: Counts so far, see `Episode.information`.
    """

    observation: Observation
    reward: float
    done: bool
    information: dict[str, Any]


class Episode:
    """A problem to act in.

    In a world of plans each reply makes one move, until the goal is reached. In a described world each reply says the state after
    an action that is named, is told whether that is right, and at last answers the question, which `idf.scoring.score` judges.
    What breaks a rule or cannot be read is told and counted, and changes nothing else.

    Args:
        problem: The problem, the same at each reset; or a source, whose next problem each reset takes.
        options: How it goes; None for the defaults.

    Raises:
        UserError: A window is wanted in a world without an agent on a board, or the world shows its scenes in part.
    """

    def __init__(self, problem: Problem[Any, Any] | Source, options: Options | None = None) -> None:
        self.options = options or Options()
        self.world = WORLDS[problem.world]
        self._source: Source | None = problem if isinstance(problem, Source) else None
        self._problem: Problem[Any, Any] | None = None if isinstance(problem, Source) else problem
        self._next = 0  # the number of the source's next problem
        self.done = True
        if self.world.in_part:
            raise UserError(
                f"{problem.world} shows its scenes in part, so nobody can say whole states: act in {self.world.family}"
            )
        if self.options.show == "window" and not self.world.inside:
            seeing = ", ".join(name for name, world in WORLDS.items() if world.inside)
            raise UserError(
                f"show=window wants an agent on a board, and {problem.world} has none ({seeing} have): use text, picture or both"
            )

    @property
    def problem(self) -> Problem[Any, Any]:
        """The problem of this episode.

        Raises:
            UserError: The episode has a source and was not reset yet.
        """
        if self._problem is None:
            raise UserError("the episode has no problem yet: reset it first")
        return self._problem

    def reset(self, *, seed: int | None = None) -> Observation:
        """Begin, and say what is seen.

        Args:
            seed: Begins a source anew with this seed; the same seed gives the same episodes in every process. None takes
                the source's next problem. A fixed problem stays the same whatever the seed.
        """
        if self._source is not None:
            if seed is not None:
                self._source, self._next = replace(self._source, seed=seed), 0
            self._problem = self._source.problem(self._next)
            self._next += 1
        problem = self.problem
        self.state = problem.start
        self.course = () if self.world.plans else self.world.solve(problem)
        self.moves = self.illegal = self.unreadable = self.right = self.wrong = self.tokens = self.replies = 0
        self.made: list[str] = []
        self.beliefs: list[float] = []
        self.end: str | None = None
        self.verdict: Verdict | None = None
        self.done = False
        self.asks = self._asks_next()
        text = words.opening(problem, self.options)
        return self._seen(text if self.world.plans else f"{text}\n{self._asked()}", new=True)

    def step(self, text: str) -> Step:
        """Take a reply.

        Args:
            text: The whole reply of a model, think blocks included.

        Raises:
            UserError: The episode was not begun, or has ended.
        """
        if self.done:
            raise UserError("no episode is under way: reset it first")
        options = self.options
        self.tokens += options.count(text)
        if options.max_tokens is not None and self.tokens > options.max_tokens:
            return self._ended("tokens", f"Your replies have {self.tokens} tokens, {options.max_tokens} are allowed.")
        if self.asks == "belief":
            self.beliefs.append(score_belief(self.world, self.state, text).share)
            self.asks = self._asks_next()
            return Step(self._seen(f"Noted.{self._asked()}", new=self.world.plans), 0.0, False, self.information)
        if self.asks == "answer":
            return self._answered(text)
        self.replies += 1
        before = self.moves
        told = self._moved(text) if self.world.plans else self._stated(text)
        if self.end is not None:
            return self._ended(self.end, told)
        if self.replies == options.max_moves and (self.world.plans or self.moves < len(self.course)):
            return self._ended("moves", f"{told} All {options.max_moves} replies are used up.")
        self.asks = self._asks_next()
        if options.probe_every and self.moves > before and self.moves % options.probe_every == 0:
            self.asks = "belief"
        return Step(self._seen(f"{told}{self._asked()}", new=self.world.plans), 0.0, False, self.information)

    # --- what replies do -------------------------------------------------------------------------------------------

    def _moved(self, text: str) -> str:
        """Make the move that a reply names; what came of it."""
        assert isinstance(self.world, PlanningWorld)
        try:
            action = read_move(self.problem, text)
            self.state = self.world.step(self.state, action)
        except Unreadable as why:
            self.unreadable += 1
            return f"Not understood: {why}. Nothing has changed."
        except IllegalAction as broken:
            self.illegal += 1
            return f"Not legal: {broken}. Nothing has changed."
        self.moves += 1
        self.made.append(action)
        if self.world.is_goal(self.problem, self.state):
            self.end = "solved"
            return f"Solved, with {self.moves} {'move' if self.moves == 1 else 'moves'}."
        return f"{action}: done."

    def _stated(self, text: str) -> str:
        """Compare the state that a reply claims; what is said of it."""
        action = self.course[self.moves]
        there = self.world.step(self.state, action)
        right = claims_state(self.world, text, action, there)
        if right is None:
            self.unreadable += 1
            return "Not understood: it states no whole state. Nothing has changed."
        self.state = there
        self.moves += 1
        self.right += right
        self.wrong += not right
        return "Right." if right else "Wrong."

    def _answered(self, text: str) -> Step:
        self.verdict = verdict = score(self.problem, text)
        return self._ended("answered", f"{'Right' if verdict.correct else 'Wrong'}: {verdict.detail}.", verdict.correct)

    def _ended(self, end: str, told: str, solved: bool = False) -> Step:
        self.end, self.done, self.asks = end, True, "nothing"
        reward = float(solved or end == "solved")
        return Step(self._seen(told, new=self.world.plans), reward, True, self.information)

    # --- what is asked and seen ------------------------------------------------------------------------------------

    def _asks_next(self) -> str:
        if self.world.plans:
            return "move"
        return "state" if self.moves < len(self.course) else "answer"

    def _asked(self) -> str:
        """What is seen and asked at this turn, from a new line on."""
        problem, window = self.problem, self.options.show == "window"
        seen = f"\n{words.scene(problem, self.state, self.options)}"
        if self.asks == "move":
            return seen
        if not window or not self.moves:  # a described world is only imagined, and a belief comes from memory
            seen = ""
        if self.asks == "belief":
            return f"{seen}\n{words.probe(problem)}"
        if self.asks == "state":
            number, action = self.moves + 1, self.course[self.moves]
            return f"{seen}\nAction {number} of {len(self.course)}: {action}. What is the state after it?"
        return f"{seen}\n{words.question(problem, self.options)}"

    def _seen(self, text: str, *, new: bool) -> Observation:
        """A text, with the picture of the state if that is new and no belief is asked for."""
        shown = new and self.options.pictured and self.asks != "belief"
        return Observation(text, self.view if shown else None, self.options.max_pixels)

    @property
    def view(self) -> Problem[Any, Any]:
        """The scene that the picture shows: a world of plans as it is now, a described one as it was at the start."""
        return replace(self.problem, start=self.state) if self.world.plans else self.problem

    @property
    def information(self) -> dict[str, Any]:
        """Counts so far, in plain values.

        `moves` (legal ones, or states that were stated), `illegal`, `unreadable`, `right` and `wrong` (states), `tokens` (of all
        replies), `beliefs` (shares of cells that are right), `asks` ("move", "state", "belief", "answer", "nothing"), `end` (one
        of `END_OF_EPISODE`, or None) and `error` (the class of a wrong final answer, as in `idf.scoring.ERRORS`).
        """
        return {
            "moves": self.moves,
            "illegal": self.illegal,
            "unreadable": self.unreadable,
            "right": self.right,
            "wrong": self.wrong,
            "tokens": self.tokens,
            "beliefs": tuple(self.beliefs),
            "asks": self.asks,
            "end": self.end,
            "error": None if self.verdict is None else self.verdict.error,
        }


def episodes(
    world: str, difficulty: str, split: str, seed: int, n: int, options: Options | None = None
) -> Iterator[Episode]:
    """The first `n` episodes of a source, each with its problem; none is begun yet.

    Args:
        world: Name of the world.
        difficulty: "easy", "medium" or "hard".
        split: "train" or "eval".
        seed: Another seed gives other problems.
        n: How many.
        options: How they go; None for the defaults.

    Raises:
        UserError: A name is unknown, or a window is wanted in a world without an agent.
    """
    source = Source(world, difficulty, split, seed)
    for index in range(n):
        yield Episode(source.problem(index), options)
