"""Cube Rolling in part: three faces of the start are shown; the other three have the other colours, in some order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

from idf.answers import UNDETERMINED, AnswerKind, OrUndetermined, plain_colours
from idf.answers.colour import Colour

from ._part import Evidence, PartWorld
from ._reading import read_words
from ._rng import Rng
from ._symmetry import SYMMETRIES
from ._world import Problem
from .cube_rolling import COLOURS, CORNER, FACES, HIDDEN, Cube
from .cube_rolling import WORLD as WHOLE
from .cube_rolling import Query as WholeQuery

SHOWN = ("top", "front", "right")  # the faces that a picture of the start shows
_CASE = re.compile(r"\W*case\b(?P<case>[^:]*):(?P<answer>.*)", re.IGNORECASE)
_STEP = re.compile(
    r"\W*(?:(?P<start>start)|(?P<number>\d{1,2})[.)] *(?P<roll>right|left|front|back)) *:(?P<state>.*)", re.IGNORECASE
)


class Query(NamedTuple):
    """Which colour `face` shows after the rolls of `path`, of a start of which `shown` tells three faces."""

    shown: str
    path: str
    face: str


class CubeRollingPart(PartWorld[Cube, Query]):
    """The world of the rolling cube that is seen from one corner. The six ways to fill the other faces agree."""

    name = "cube_rolling_part"
    version = 1
    query_type = Query
    full = WHOLE
    colours = COLOURS
    actions = WHOLE.actions
    look = WHOLE.look
    clean_level = WHOLE.clean_level
    bins = WHOLE.bins
    form_of_cases = (
        "Write one line for each way to fill the faces that are not shown, in this form (another cube, only to show the form): "
        "Case bottom red, left blue, back gray: red"
    )
    rule = (
        "A cube rolls over a board, one cell at a time, to the right, left, front (towards you) or back; three of its six "
        "faces are not shown."
    )

    def scene(self, problem: Problem[Cube, Query]) -> Problem[Cube, WholeQuery]:
        query = WholeQuery(problem.query.path, problem.query.face)
        return Problem(WHOLE.name, problem.difficulty, problem.start, query)

    def shown(self, problem: Problem[Cube, Query]) -> str:
        return _shown(problem.start.colours)

    def told(self, query: Query) -> str:
        return query.shown

    def part_key(self, problem: Problem[Cube, Query]) -> str:
        colours = [colour if face in SHOWN else "?" for face, colour in zip(FACES, problem.start.colours, strict=True)]
        rolls, images = problem.query.path.split(), []
        for to in SYMMETRIES:
            image = {to.get(face, face): colour for face, colour in zip(FACES, colours, strict=True)}
            images.append((" ".join(to[roll] for roll in rolls), " ".join(image[face] for face in FACES)))
        return " | ".join(max(images))

    def pose_in(self, rng: Rng, difficulty: str, split: str | None) -> Problem[Cube, Query]:
        """Face, last roll and answerable or not are drawn first, then paths until one fits: so those two tell nothing."""
        face, last, answerable = rng.choice(FACES), WHOLE.pose(rng, difficulty).query.path.split()[-1], rng.chance(0.5)
        while True:
            colours = dict(zip(FACES, rng.shuffled(COLOURS), strict=True))
            whole = WHOLE.pose(rng, difficulty)
            path = whole.query.path
            if not path.endswith(last) or (_comes_from(path, face) in SHOWN) != answerable:
                continue
            # What is not shown may lie in any order: one is taken that falls on the side of what is shown.
            for hidden in permutations([colours[name] for name in HIDDEN]):
                full = colours | dict(zip(HIDDEN, hidden, strict=True))
                start = Cube(tuple(full[name] for name in FACES), (CORNER,))
                problem = Problem(self.name, difficulty, start, Query(_shown(start.colours), path, face))
                if self.keeps_sides(problem) and split in (None, self.part_side(problem)):
                    return problem

    def _question(self, problem: Problem[Cube, Query], *, short: bool, described: bool) -> str:
        shown, path, face = problem.query
        hidden = [colour for colour in COLOURS if colour not in _faces_of(shown).values()]
        rolls = ", ".join(path.split()) if described else "along the path in the picture"
        if short:
            seen = (
                f"{shown}, the other faces {_listed(hidden)} in an order that is not shown"
                if described
                else _AS_PICTURED
            )
            return (
                f"Cube: {seen}. It rolls {rolls}. Which colour is the {face} face? "
                f"If what is shown does not decide it, the answer is: {UNDETERMINED}."
            )
        seen = (
            f"At the beginning these faces are seen: {shown}. The bottom, left and back face are not shown: they are "
            f"{_listed(hidden)}, and it is not known which is which. "
            if described
            else "At the beginning the top, front and right face are seen in the picture. The bottom, left and back face are "
            f"not shown: they have the other three of the colours {_listed(COLOURS)}, and it is not known which is which. "
        )
        return (
            "A cube with six differently coloured faces stands on a board and rolls over its edges from cell to cell, "
            "without slipping or turning. Rolling to the right, the right face becomes the bottom, the top becomes the "
            "right, the left becomes the top and the bottom becomes the left; front and back stay. Rolling to the left, "
            "front (towards the viewer) or back works in the same way. "
            f"{seen}The cube rolls {rolls}. Which colour does the {face} face show at the end? If what is shown does not decide "
            f"it, the answer is: {UNDETERMINED}."
        )

    def answer(self, problem: Problem[Cube, Query]) -> AnswerKind:
        return OrUndetermined(Colour(COLOURS, asked=(problem.query.face,)))

    def decided(self, problem: Problem[Cube, Query]) -> str | None:
        """The three hidden colours may lie in any order: a face is decided if and only if it was a shown one."""
        shown = _faces_of(problem.query.shown)
        return shown.get(_comes_from(problem.query.path, problem.query.face))

    def initial(self, problem: Problem[Cube, Query]) -> str:
        return _faces_of(problem.query.shown).get(problem.query.face, UNDETERMINED)

    def asked(self, problem: Problem[Cube, Query]) -> str:
        return problem.query.face

    # --- in words

    def narrate(self, problem: Problem[Cube, Query]) -> str:
        """The cube rolled with the names of its hidden faces in place of their colours, then each case."""
        _, path, face = problem.query
        source = _comes_from(path, face)
        known = source in SHOWN
        came = f"shown at the start, so it is {self.decided(problem)}" if known else "not shown"
        cases = [f"Case {case}: {colours[source]}" for case, colours in _cases(problem.query.shown).items()]
        end = "All cases agree." if known else "The cases do not agree."
        return "\n".join([*_rolled(problem), f"The {face} face was the {source} face, {came}.", *cases, end])

    def evidence(self, problem: Problem[Cube, Query], lines: Sequence[str]) -> Evidence:
        """Lines "Case bottom red, left blue, back gray: red", and the simulation if it is written down."""
        cases = {_words(case): colours for case, colours in _cases(problem.query.shown).items()}
        source = _comes_from(problem.query.path, problem.query.face)
        steps = dict(_labelled(line) for line in _rolled(problem))
        said: dict[frozenset[tuple[str, str]], str] = {}
        true = 0
        for line in lines:
            if match := _CASE.fullmatch(line):
                case = _words(match["case"])
                colours = next((given for named, given in cases.items() if _pairs(named) == _pairs(case)), None)
                if colours is None:
                    return Evidence(f"{line.strip()!r} does not agree with what is shown", None, true)
                answer = [word for word in _words(match["answer"]) if word in COLOURS]
                if answer != [colours[source]]:
                    return Evidence(f"{line.strip()!r}, true is {colours[source]}", None, true)
                said[frozenset(_pairs(case))] = colours[source]
            elif _STEP.fullmatch(line):
                label, state = _labelled(line)
                if label not in steps or steps[label] != state:
                    return Evidence(
                        f"{line.strip()!r}, true is {' '.join(steps.get(label, ('no such step',)))}", None, true
                    )
            else:
                continue
            true += 1
        enough = len(said) == len(cases) if source in SHOWN else len(set(said.values())) > 1
        return Evidence(None, None if enough else f"{len(said)} of {len(cases)} cases are told", true)


_AS_PICTURED = (
    "top, front and right as in the picture, the other faces are not shown and have the other three of six colours"
)


def _shown(colours: Sequence[str]) -> str:
    return ", ".join(f"{face} {colours[FACES.index(face)]}" for face in SHOWN)


def _faces_of(shown: str) -> dict[str, str]:
    """Face -> colour of what is shown.

    Raises:
        ValueError: It does not name the three faces with three colours.
    """
    found: dict[str, str] = {}
    for part in shown.split(", "):
        face, colour = part.split()
        found[face] = colour
    if tuple(found) != SHOWN or len(set(found.values())) != 3 or not set(found.values()) <= set(COLOURS):
        raise ValueError(f"{shown!r} does not name the top, front and right face with three colours")
    return found


def _rolled_by_name(path: str) -> list[tuple[str, ...]]:
    """Where each face comes from, in the order of FACES: at the start and after every roll."""
    return [state.colours for state in WHOLE.replay(Cube(FACES, (CORNER,)), path.split())]


def _comes_from(path: str, face: str) -> str:
    """The face of the start that a face at the end was."""
    return _rolled_by_name(path)[-1][FACES.index(face)]


def _rolled(problem: Problem[Cube, Query]) -> list[str]:
    """The simulation: colours where they are shown, else the face of the start in question, with a question mark."""
    shown = _faces_of(problem.query.shown)
    states = [" ".join(shown.get(face, f"{face}?") for face in state) for state in _rolled_by_name(problem.query.path)]
    rolls = problem.query.path.split()
    steps = [
        f"{number}. {roll}: {state}" for number, (roll, state) in enumerate(zip(rolls, states[1:], strict=True), 1)
    ]
    return [f"Start: {states[0]}", *steps]


def _cases(shown: str) -> dict[str, dict[str, str]]:
    """The six starts that agree: their hidden faces in words -> the colour of every face."""
    seen = _faces_of(shown)
    rest = [colour for colour in COLOURS if colour not in seen.values()]
    hidden = [dict(zip(HIDDEN, order, strict=True)) for order in permutations(rest)]
    return {", ".join(f"{face} {colour}" for face, colour in case.items()): seen | case for case in hidden}


def _labelled(line: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    label, _, state = line.partition(":")
    return _words(label), _words(state)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in read_words(plain_colours(text)) if word != "case")


def _pairs(words: Sequence[str]) -> set[tuple[str, str]]:
    """Faces with their colours."""
    return set(zip(words[::2], words[1::2]))


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


WORLD = CubeRollingPart()
