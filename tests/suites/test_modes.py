"""Five worlds by three modes: the text holds what it must, and nothing that the mode leaves to the picture."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from idf.suites import HELD_OUT_PROMPTS, PROMPTS, open_suite, prompt_text
from idf.worlds import DIFFICULTIES, WORLDS, Problem
from idf.worlds.cube_rolling import CORNER, FACES, Cube
from idf.worlds.cube_rolling import Query as RollQuery
from idf.worlds.mental_rotation import Query as ViewQuery
from idf.worlds.moving_box import Query as PushQuery
from idf.worlds.rubiks_cube import COLOURS as STICKERS
from idf.worlds.rubiks_cube import FACES as SIDES
from idf.worlds.rubiks_cube import Query as TurnQuery
from idf.worlds.wood_slide import Query as SlideQuery
from tests.drawing.originals import FOLDER, needs_originals
from tests.worlds.samples import problems

OURS = (*PROMPTS, *HELD_OUT_PROMPTS)
ALL = [(world, prompts) for world in WORLDS for prompts in OURS]


def found(pattern: str, text: str) -> str:
    """What the one match of a pattern holds."""
    matches = re.findall(pattern, text)
    assert len(matches) == 1, (pattern, text)
    return str(matches[0])


def read_rolling(text: str) -> tuple[object, object]:
    colours = found(r"(top \w+, bottom \w+, left \w+, right \w+, front \w+, back \w+)", text).split(", ")
    assert [part.split()[0] for part in colours] == list(FACES)
    told = r"(?:(?:It|The cube) rolls|Its rolls are, one after the other:|Rolls:)"
    path = found(told + r" ((?:right|left|front|back)(?:, (?:right|left|front|back))*)\.", text)
    face = found(r"(?:Which colour (?:is|does) the|colour ends up on the|colour of its) (\w+) face", text)
    return Cube(tuple(part.split()[1] for part in colours), (CORNER,)), RollQuery(path.replace(",", ""), face)


def read_rotation(text: str) -> tuple[object, object]:
    cubes = found(r"[Cc]ubes: ((?:\w+ \([-\d,]+\)(?:; )?)+)\.", text)
    return WORLDS["mental_rotation"].read(cubes), ViewQuery(
        found(r"(?:are visible|Seen|squarely) from the (\w+)[,.]", text)
    )


def read_cube(text: str) -> tuple[object, object]:
    centres = dict(
        re.findall(r"([UDLRFB]): (\w+)", found(r"(?:The|Its) faces are ((?:[UDLRFB]: \w+(?:, )?){6})\.", text))
    )
    state = bytes(STICKERS.index(centres[letter]) for letter in SIDES for _ in range(9))
    moves = found(
        r"(?:left to right|After|following moves|to the last):? ((?:[UDLRFB][23]?)(?: [UDLRFB][23]?)*)[.:,]", text
    )
    position = re.findall(r"(?:Which colour|what colour) is the ([a-z-]+) square", text)
    colour = re.findall(r"How many (\w+) squares|how many squares are (\w+) then", text)
    colour = ["".join(either) for either in colour]
    assert len(position) + len(colour) == 1
    return state, TurnQuery(
        moves, found(r"(?:squares? (?:of|are on)|On) the (\w+) face", text), "".join(position), "".join(colour)
    )


def read_box(text: str) -> tuple[object, object]:
    return WORLDS["moving_box"].read(found(r"(?:Grid|Map):\n((?:[#.SBT+ ]+\n)+)", text)), PushQuery()


def read_slide(text: str) -> tuple[object, object]:
    target = found(r"(?:Target|Second board): ([\d/]+)\.", text)
    return WORLDS["wood_slide"].read(found(r"(?:Start|First board): ([\d/]+)\.", text)), SlideQuery(target)


READERS: dict[str, Callable[[str], tuple[object, object]]] = {
    "cube_rolling": read_rolling,
    "mental_rotation": read_rotation,
    "rubiks_cube": read_cube,
    "moving_box": read_box,
    "wood_slide": read_slide,
}


def check_text_alone(problem: Problem, prompts: str) -> None:
    for mode in ("tqa", "vtqa"):
        text = prompt_text(problem, mode, prompts)
        assert READERS[problem.world](text) == (problem.start, problem.query)
        assert not re.search(r"(?i)pictur|image|shown|figure|drawing|look at the", text), text


@pytest.mark.parametrize(("world", "prompts"), ALL)
def test_the_text_alone_determines_the_problem_and_speaks_of_no_picture(world, prompts):
    for difficulty in DIFFICULTIES:
        for problem in problems(world, difficulty, 4):
            check_text_alone(problem, prompts)


@pytest.mark.parametrize(("world", "prompts"), ALL)
def test_with_the_picture_alone_the_text_is_the_same_for_every_start_that_the_picture_would_show(world, prompts):
    """What may differ is what no picture shows: the question, the moves of a cube, three faces of another, a size."""
    kept = {
        "cube_rolling": lambda p: (p.query.face, p.start.colours[1:3], p.start.colours[5]),
        "mental_rotation": lambda p: p.query.view,
        "rubiks_cube": lambda p: p.query,
        "moving_box": lambda p: (len(p.start.walls), len(p.start.walls[0])),
        "wood_slide": lambda p: None,
    }[world]
    texts: dict[object, set[str]] = {}
    for difficulty in DIFFICULTIES:
        for problem in problems(world, difficulty, 8):
            texts.setdefault(kept(problem), set()).add(prompt_text(problem, "vqa", prompts))
    assert all(len(different) == 1 for different in texts.values()), texts


@needs_originals
@pytest.mark.parametrize("prompts", OURS)
def test_the_published_problems_can_be_read_back_from_our_words_too(prompts):
    for item in open_suite(f"spatialite:{FOLDER}"):
        check_text_alone(item.problem, prompts)
