"""A response beside the true one: which steps are right, the first one that is not, and the answer.

For what is asked in a form whose true response is known whole (`idf.suites.Exercise`). Steps are read as in any trace
(`read_trace`), so a state that is written differently counts as right if it can be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from idf.answers import plain_colours
from idf.worlds import Problem, World

from ._claims import read_trace
from ._parse import final_answer
from ._process import Standing, last_word
from ._score import score
from ._steps import replayed_plan
from ._thinking import strip_thinking

_STEP = re.compile(r"(\d+)\. ([^:\n]+): (.+)")


@dataclass(frozen=True)
class Imagined:
    """How a response fares beside the true one.

    Attributes:
        steps: Steps that there are to state; 0 where the form has none.
        right: Those that are stated with the right state.
        first_wrong: The first step that is not: a false one, a missing one, or the first one too many; 0 for a false start;
            None if there is none.
        missing: Whether that step is not stated at all.
        answer: The final answer as it is stated; None if there is none.
        answer_right: Whether it is right.
        detail: One sentence on the first thing that is wrong; empty if all is right.
    """

    steps: int
    right: int
    first_wrong: int | None
    missing: bool
    answer: str | None
    answer_right: bool
    detail: str

    @property
    def all_right(self) -> bool:
        """Whether every step and the answer are right."""
        return self.first_wrong is None and self.answer_right


def beside_truth(world: World[Any, Any], truth: str, response: str, *, any_order: bool = False) -> Imagined:
    """Compare a response with the true one.

    Args:
        world: The world that both speak of.
        truth: The true response: lines `<number>. <action>: <state>`, as `World.unroll` writes them, if there are steps; a
            last line `Answer: ...`, unless the response is one state or its steps are the answer.
        response: The whole text of the response.
        any_order: Whether the words of the answer may come in any order, as those of a list of legal actions.
    """
    true = _true_steps(world, truth)
    chain, _ = last_word(read_trace(world, response).claims)
    states = {number: standing for number, standing in chain.items() if not standing.stale}
    start = next((line.removeprefix("Start: ") for line in truth.split("\n") if line.startswith("Start: ")), None)
    wrong = [0] if start is not None and _denies(world, states.get(0), start) else []
    wrong += [number for number, step in true.items() if not _says(world, states.get(number), *step)]
    right = len(true) - sum(number in true for number in wrong)
    wrong += sorted(number for number in states if true and number > max(true))
    first = wrong[0] if wrong else None
    said, answer_right = _answer(world, truth, response, any_order)
    if _true_answer(truth) is None and true:  # the last state is the answer
        last = states.get(max(true))
        said, answer_right = (None if last is None else last.claim.text), max(true) not in wrong
    missing = first in true and (first not in states or states[first].claim.state is None)
    detail = ""
    if first is not None:
        stated = "missing" if missing else f"stated as {states[first].claim.text!r}"
        number, what = ("the start", start) if first == 0 else (f"step {first}", " leads to ".join(true.get(first, ())))
        detail = f"{number} is {stated}, " + (f"true is {what!r}" if what else f"and the last one is step {max(true)}")
    elif not answer_right:
        every = "every step is right, " if true else ""
        detail = f"{every}the answer is {'missing' if said is None else repr(said)}, true is {_true_answer(truth) or truth!r}"
    return Imagined(len(true), right, first, missing, said, answer_right, detail)


def of_plan(problem: Problem[Any, Any], response: str) -> Imagined:
    """Compare a response to a problem that asks for a plan with the world: any plan that reaches the goal is right.

    The steps are the moves that the response states, replayed, and no fewer than a shortest plan has (`steps_right`).

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
    """
    found, first, missing = replayed_plan(problem, response)
    verdict = score(problem, response)
    said = None if verdict.parsed is None else " ".join(verdict.parsed)
    detail = "" if verdict.correct else verdict.detail
    if first is not None:
        detail = f"step {first} is {'missing' if missing else 'stated wrongly, or illegal'}" + (
            f"; {detail}" if detail else ""
        )
    return Imagined(found.steps, found.right, first, missing, said, verdict.correct, detail)


def _true_steps(world: World[Any, Any], truth: str) -> dict[int, tuple[str, str]]:
    """Number -> action and state of the steps of a true response; a numbered line that states no whole state is none."""
    found = [step for step in map(_STEP.fullmatch, truth.split("\n")) if step and world.read_line(step[3]) is not None]
    return {int(step[1]): (step[2], step[3]) for step in found}


def _says(world: World[Any, Any], standing: Standing | None, action: str, state: str) -> bool:
    """Whether what stands for a step claims this action, or none, and this state."""
    if standing is None or standing.claim.state is None or standing.claim.action not in (None, action):
        return False
    return standing.claim.state == world.read_line(state)


def _denies(world: World[Any, Any], standing: Standing | None, state: str) -> bool:
    """Whether another state is claimed."""
    return standing is not None and standing.claim.state is not None and standing.claim.state != world.read_line(state)


def _true_answer(truth: str) -> str | None:
    last = truth.rpartition("\n")[2]
    return last.removeprefix("Answer: ") if last.startswith("Answer: ") else None


def _answer(world: World[Any, Any], truth: str, response: str, any_order: bool) -> tuple[str | None, bool]:
    """The answer of a response, and whether it is the true one; without an answer line it is the whole text."""
    true = _true_answer(truth)
    said = (strip_thinking(response).strip() or None) if true is None else final_answer(response)
    if said is None:
        return None, False
    true = truth if true is None else true
    if any_order:
        return said, sorted(_plain(said).replace(",", " ").split()) == sorted(_plain(true).split())
    claims = world.read_line(true), world.read_line(said)
    if _plain(said) == _plain(true) or (None not in claims and claims[0] == claims[1]):
        return said, True
    pairs = [(kind.read(true), kind.read(said)) for kind in world.answers]
    return said, any(None not in pair and pair[0] == pair[1] for pair in pairs)


def _plain(text: str) -> str:
    """A text without what makes no difference: case, blanks, spellings of colours, marks at its ends."""
    return " ".join(plain_colours(text.casefold()).split()).strip(" .*`")
