"""Players that earn nothing by imagining, written as an adversary of the reward would write them.

A player sees a problem and says something. `Said.bare` is the outcome of the same player without its trimmings: what its
answer alone would earn. None means that it commits to no answer, so that it must earn nothing at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any

from idf.answers import UNDETERMINED
from idf.worlds import PARTS, WORLDS, IllegalAction, Problem

Step = tuple[int, str, str]
"""Number, action and the state that is claimed."""
UNDO = {"u": "d", "d": "u", "l": "r", "r": "l"}


@dataclass(frozen=True)
class Said:
    """A response, and the same player's answer alone."""

    text: str
    bare: str | None = None
    finish: str | None = None


@dataclass(frozen=True)
class Seat:
    """What a player has in front of it. `rng` is its own; `truth` is for those who hide it, `plan` for those who pass it."""

    problem: Problem[Any, Any]
    rng: Random
    index: int

    @property
    def world(self) -> Any:
        return WORLDS[self.problem.world]

    @property
    def plans(self) -> bool:
        return bool(self.world.answer_kind(self.problem) == "plan")

    @property
    def actions(self) -> list[str]:
        """What the question names, or for a plan any legal moves: somebody who imagines nothing knows no better ones."""
        return self.walk(6) if self.plans else list(self.world.solve(self.problem))

    @property
    def start(self) -> str:
        return str(self.world.line(self.problem.start))

    def write(self, answer: Any) -> str:
        return str(self.world.answer(self.problem).write(answer))

    @property
    def truth(self) -> str:
        return self.write(self.world.truth(self.problem))

    @property
    def initial(self) -> str:
        return self.write(self.world.initial(self.problem))

    def walk(self, length: int) -> list[str]:
        """Random legal moves."""
        state, moves = self.problem.start, list[str]()
        while len(moves) < length and (legal := self.world.legal_actions(state)):
            moves.append(self.rng.choice(legal))
            state = self.world.step(state, moves[-1])
        return moves

    def told(self, moves: Sequence[str]) -> list[Step]:
        """These moves with the states that they truly lead to."""
        states = self.world.replay(self.problem.start, moves)[1:]
        return [(i, m, str(self.world.line(s))) for i, (m, s) in enumerate(zip(moves, states, strict=True), 1)]

    def guess(self) -> str:
        """One of the possible answers, each as likely; for a plan as many legal moves as a shortest one has."""
        values = values_of(self.problem)
        if values is None:
            return self.write(tuple(self.walk(len(self.world.solve(self.problem)))))
        return self.write(self.rng.choice(values))

    def some(self, number: int = 6) -> list[str]:
        """So many different answers, or all where there are fewer; the right one is among them, anywhere."""
        found = {self.truth}
        for _ in range(20 * number):
            if len(found) < number:
                found.add(self.guess())
        shuffled = sorted(found)
        self.rng.shuffle(shuffled)
        return shuffled


def values_of(problem: Problem[Any, Any]) -> list[Any] | None:
    """Every possible answer of a problem; None for a plan."""
    world, kind = WORLDS[problem.world], WORLDS[problem.world].answer_kind(problem)
    abstain = [UNDETERMINED] if problem.world in PARTS else []
    if kind == "colour":
        return [*world.colours, *abstain]
    if kind == "count":
        return [*range(10), *abstain]
    if kind == "plan":
        return None
    seen = world.initial(problem) if problem.world in PARTS else _colours_of(world.write(problem.start))
    found: list[dict[str, int]] = [{}]
    for colour, most in seen.items():
        found = [{**one, colour: n} if n else one for one in found for n in range(most + 1)]
    return [*(one for one in found if one), *abstain]


def _colours_of(structure: str) -> dict[str, int]:
    words = [part.split()[0] for part in structure.split("; ")]
    return {colour: words.count(colour) for colour in WORLDS["mental_rotation"].colours if colour in words}


# --- forms in which steps are stated ------------------------------------------------------------------------------


def _plain(seat: Seat, steps: list[Step], answer: str) -> str:
    return "\n".join([f"Start: {seat.start}", *(f"{n}. {a}: {s}" for n, a, s in steps), answer])


def _words(seat: Seat, steps: list[Step], answer: str) -> str:
    return "\n".join([*(f"Step {n}: {a} -> {s}" for n, a, s in steps), answer])


def _bold(seat: Seat, steps: list[Step], answer: str) -> str:
    return "\n".join([*(f"**{n})** {a}: `{s}`" for n, a, s in steps), "", answer])


def _headings(seat: Seat, steps: list[Step], answer: str) -> str:
    return "\n".join([*(f"### Step {n}: {a}\n- {s}" for n, a, s in steps), "", answer])


def _thought(seat: Seat, steps: list[Step], answer: str) -> str:
    return f"<think>\n{_plain(seat, steps, 'That is it.')}\n</think>\n{answer}"


def _table(seat: Seat, steps: list[Step], answer: str) -> str:
    rows = [f"| {n} | {a} | {s} |" for n, a, s in steps]
    return "\n".join(["| step | action | state |", "| --- | --- | --- |", *rows, "", answer])


def _prose(seat: Seat, steps: list[Step], answer: str) -> str:
    return " ".join(f"After step {n} ({a}) the state is {s}." for n, a, s in steps) + f"\n{answer}"


def _json(seat: Seat, steps: list[Step], answer: str) -> str:
    body: dict[str, Any] = {"steps": [{"step": n, "action": a, "state": s} for n, a, s in steps]}
    if answer.startswith("Answer: "):
        body["answer"] = answer.removeprefix("Answer: ")
    return json.dumps(body)


FORMS: tuple[Callable[[Seat, list[Step], str], str], ...] = (
    _plain,
    _words,
    _bold,
    _headings,
    _thought,
    _table,
    _prose,
    _json,
)


def said(seat: Seat, steps: list[Step], moves: Sequence[str] | None = None) -> Said:
    """Steps in one of the forms, and an answer: by turns the start read off, a guess, none. A plan is that of the steps."""
    if moves is not None or seat.plans:
        answers = [seat.write(tuple(moves if moves is not None else [a for _, a, _ in steps])), None]
    else:
        answers = [seat.initial, seat.guess(), None]
    answer = answers[seat.index % len(answers)]
    form = FORMS[(seat.index // len(answers)) % len(FORMS)]
    if answer is None:
        return Said(form(seat, steps, "That is all."))
    if form is _json and answer == "none":
        form = _plain
    return Said(form(seat, steps, f"Answer: {answer}"), f"Answer: {answer}")


# --- states that nobody imagined ----------------------------------------------------------------------------------


def copies(seat: Seat) -> Said:
    """The start as the state after each step."""
    return said(seat, [(i, a, seat.start) for i, a in enumerate(seat.actions, 1)])


def drawn_copies(seat: Seat) -> Said:
    """The start as the prompt describes it, after each step."""
    described = seat.world.describe(seat.problem.start, pictured=False)
    return said(seat, [(i, a, described) for i, a in enumerate(seat.actions, 1)])


def other_order(seat: Seat) -> Said:
    """The parts of the start in another order, turned on by one with each step."""
    for sign in ("; ", " / ", "/", " "):
        parts = seat.start.split(sign)
        if len(parts) > 2:
            break
    steps = [
        (i, a, sign.join(parts[i % len(parts) :] + parts[: i % len(parts)])) for i, a in enumerate(seat.actions, 1)
    ]
    return said(seat, steps)


def backwards(seat: Seat) -> Said:
    """The words of the start from its end."""
    turned = " ".join(reversed(seat.start.split()))
    return said(seat, [(i, a, turned) for i, a in enumerate(seat.actions, 1)])


def only_the_start(seat: Seat) -> Said:
    """The start, said well and often, and no step."""
    lines = [f"Start: {seat.start}", f"Before step 1: {seat.start}", f"0. start: {seat.start}"]
    return Said("\n".join([*lines, f"Answer: {seat.initial}"]), f"Answer: {seat.initial}")


def dots(seat: Seat) -> Said:
    """Steps without states."""
    return said(seat, [(i, a, ("...", "done", "?", "ok")[seat.index % 4]) for i, a in enumerate(seat.actions, 1)])


def what_stays(seat: Seat) -> Said:
    """True of every step, and nobody has to look: what the action leaves as it was."""
    return said(seat, [(i, a, stays(seat, a)) for i, a in enumerate(seat.actions, 1)])


def stays(seat: Seat, action: str) -> str:
    """What an action leaves as it is at the start, read off the start."""
    name = seat.problem.world.removesuffix("_part")
    if name == "cube_rolling":
        faces = dict(
            zip(("top", "bottom", "left", "right", "front", "back"), seat.world.write(seat.problem.start).split())
        )
        kept = ("front", "back") if action in ("left", "right") else ("left", "right")
        return f"{kept[0]} {faces[kept[0]]}, {kept[1]} {faces[kept[1]]}"
    if name == "rubiks_cube":
        faces = dict(face.split(": ") for face in seat.start.split("; "))
        kept_face = {"U": "D", "D": "U", "L": "R", "R": "L", "F": "B", "B": "F"}[action[0]]
        return f"{kept_face}: {faces[kept_face]}"
    if name == "mental_rotation":
        return next(part for part in seat.world.write(seat.problem.start).split("; ") if part.endswith("(0,0,0)"))
    if name == "moving_box":
        row, column = seat.problem.start.box
        return f"box ({row},{column})"
    return "the other blocks stay"


def stays_in_words(seat: Seat) -> Said:
    """The same without a value: "front and back stay"."""
    words = {
        "cube_rolling": "two faces stay as they were",
        "rubiks_cube": "the opposite face stays",
        "mental_rotation": "the number of cubes stays the same",
        "moving_box": "the walls and the target stay",
        "wood_slide": "all other blocks stay",
    }[seat.problem.world.removesuffix("_part")]
    pairs = {"left": "front and back stay", "right": "front and back stay", "front": "left and right stay"}
    cube = seat.problem.world.startswith("cube")
    return said(seat, [(i, a, pairs.get(a, words) if cube else words) for i, a in enumerate(seat.actions, 1)])


def the_goal_each_time(seat: Seat) -> Said:
    """The target of a plan as every state, or as the last one; elsewhere the answer that the start shows."""
    if seat.problem.world == "wood_slide":
        goal = seat.problem.query.target
    elif seat.problem.world == "moving_box":
        row, column = seat.problem.start.target
        goal = f"player ({row},{column - 1}) box ({row},{column})"
    else:
        return said(seat, [(i, a, seat.initial) for i, a in enumerate(seat.actions, 1)])
    moves = seat.actions
    last = [(len(moves), moves[-1], goal)]
    return said(seat, last if seat.index % 4 < 2 else [(i, a, goal) for i, a in enumerate(moves, 1)], moves)


def twice(seat: Seat) -> Said:
    """Each step with two states: the start, and the start in another order, in either order."""
    turned = " ".join(reversed(seat.start.split()))
    pair = [seat.start, turned][:: 1 if seat.index % 2 else -1]
    return said(seat, [(i, a, state) for i, a in enumerate(seat.actions, 1) for state in pair])


def spray(seat: Seat) -> Said:
    """For the first step all states that there may be, shuffled: one of them is right."""
    first = seat.actions[0] if seat.actions else "stay"
    after = [seat.world.step(seat.problem.start, one) for one in seat.world.legal_actions(seat.problem.start)]
    found = sorted({str(seat.world.line(state)) for state in after} | {seat.start})
    seat.rng.shuffle(found)
    return said(seat, [(1, first, state) for state in found], [first] if seat.plans else None)


def cases(seat: Seat) -> Said:
    """Every case of a scene shown in part, each with one guess for all: the cases themselves can be counted out."""
    guess = seat.guess()
    name = seat.problem.world
    if name == "cube_rolling_part":
        shown = dict(part.split() for part in seat.problem.query.shown.split(", "))
        rest = [colour for colour in seat.world.colours if colour not in shown.values()]
        heads = [f"bottom {a}, left {b}, back {c}" for a, b, c in permutations(rest)]
    elif name == "moving_box_part":
        heads = ["all walls", "all floor"]
    else:
        heads = [str(seat.world.write(seat.problem.start))]
    value = f"{guess} pushes" if name == "moving_box_part" else guess
    return Said("\n".join([*(f"Case {head}: {value}" for head in heads), f"Answer: {guess}"]), f"Answer: {guess}")


COPYING = (
    copies,
    drawn_copies,
    other_order,
    backwards,
    only_the_start,
    dots,
    what_stays,
    stays_in_words,
    the_goal_each_time,
    twice,
)
"""They imagine nothing, so that what they add to their answer must be worth nothing, problem by problem."""


# --- moves that lead nowhere --------------------------------------------------------------------------------------


def wander(seat: Seat) -> Said:
    """Legal moves at random for long, with all states true."""
    moves = seat.walk(40)
    return said(seat, seat.told(moves), moves)


def to_and_fro(seat: Seat, first: str | None = None, times: int = 8) -> Said:
    """A move and its undoing, again and again, with all states true; a push cannot be undone, so only walking counts."""
    start, moves = seat.problem.start, list[str]()
    legal = [first] if first else seat.world.legal_actions(start)
    for move in legal:
        back = move[:-1] + UNDO[move[-1]]
        try:
            if seat.world.step(seat.world.step(start, move), back) == start:
                moves = [move, back] * times
                break
        except IllegalAction:
            continue
    moves = moves or seat.walk(16)
    return said(seat, seat.told(moves), moves)


def thousand_moves(seat: Seat) -> Said:
    """A thousand moves, legal or not, once with the words that they may be."""
    moves = seat.walk(1000) if seat.index % 2 else [*sorted({m for m in seat.walk(60)})] * 250
    answer = seat.write(tuple(moves[:1000]))
    return Said(f"Answer: {answer}", f"Answer: {answer}")


def passed_then_illegal(seat: Seat) -> Said:
    """The goal is passed with all states true, then a rule is broken."""
    plan = list(seat.world.solve(seat.problem))
    end = seat.world.replay(seat.problem.start, plan)[-1]
    while plan[-1] in seat.world.legal_actions(end):
        end = seat.world.step(end, plan[-1])
        plan.append(plan[-1])
    steps = [*seat.told(plan), (len(plan) + 1, plan[-1], str(seat.world.line(end)))]
    return said(seat, steps[: None if seat.index % 4 < 2 else -1], [*plan, plan[-1]])


def passed_then_on(seat: Seat) -> Said | None:
    """The goal is passed with all states true, then moves go on that leave it; None if the goal cannot be left."""
    plan = list(seat.world.solve(seat.problem))
    end = seat.world.replay(seat.problem.start, plan)[-1]
    ways: list[list[str]] = [[]]
    for _ in range(4):
        ways = [
            [*way, move]
            for way in ways
            for move in seat.world.legal_actions(seat.world.replay(end, way)[-1])
            if not way or move[-1] != UNDO[way[-1][-1]]
        ]
        for way in ways:
            if not seat.world.judge(seat.problem, (*plan, *way)).correct:
                return said(seat, seat.told([*plan, *way]), [*plan, *way])
    return None
