"""Traces in three lengths: all are true, each is shorter than the one before, and one false word makes them lucky."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from idf.data import EstimatedTokens, Sample
from idf.scoring import score
from idf.traces import FilterRecipe, TeacherRecipe, TracesRecipe, judge_trace, oracle_response, oracle_trace
from idf.worlds import DIFFICULTIES, LENGTHS, PARTS, WORLDS, Problem, Rng, sample_problem, tell, telling_of
from idf.worlds.cube_rolling import FACES, Cube, CubeRolling
from idf.worlds.rubiks_cube import FACES as LETTERS
from idf.worlds.rubiks_cube import POSITIONS
from tests.sentences import refused

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from lengths import table

ROOT = Path(__file__).parents[2]

CONSISTENT = FilterRecipe(level="consistent", most_corrections=0)
PROCESS = FilterRecipe(most_corrections=0)
EVERY = [(world, difficulty) for world in WORLDS for difficulty in DIFFICULTIES]


@cache
def item(world: str, index: int, difficulty: str = "easy") -> Problem[Any, Any]:
    return sample_problem(WORLDS[world], seed=5, split="train", index=index, difficulty=difficulty)


def of_all(world: str, difficulty: str, number: int) -> list[Problem[Any, Any]]:
    return [item(world, index, difficulty) for index in range(number)]


def tokens(of: Problem[Any, Any], text: str) -> int:
    told = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return EstimatedTokens()(Sample("", of.world, of.difficulty, "trace", [], [told], {})).answer


@pytest.mark.parametrize(("world", "difficulty"), EVERY)
def test_every_length_proves_itself_answers_right_and_is_shorter_than_the_one_before(world, difficulty, full):
    spent, told_longer = Counter[str](), Counter[str]()
    number = 1000 if full else 100
    for index in range(number):
        of = item(world, index, difficulty)
        last = 10**9
        for length in LENGTHS:
            text, told = oracle_trace(of, length=length)
            assert judge_trace(of, text, "stop", CONSISTENT) is None, text
            assert score(of, text).correct
            assert tokens(of, text) <= last, text
            if told == "changes":
                assert judge_trace(of, text, "stop", PROCESS) is None, text
            last = tokens(of, text)
            spent[length] += last
            told_longer[length] += told != length
    assert spent["full"] > 1.05 * spent["changes"], spent
    assert spent["changes"] > 1.25 * spent["needed"], spent
    assert told_longer["full"] == told_longer["needed"] == 0
    if world == "mental_rotation":
        # Seen from the front nothing turns; of cubes in one line, along the axis, none moves.
        solved = [WORLDS[world].replay(of.start, WORLDS[world].solve(of)) for of in of_all(world, difficulty, number)]
        assert told_longer["changes"] == sum(len(set(states)) == 1 for states in solved)
    elif world == "moving_box":
        plans = [WORLDS[world].measure(of) for of in of_all(world, difficulty, number)]
        assert told_longer["changes"] == sum(plan["moves"] == plan["pushes"] for plan in plans)
    else:
        assert told_longer["changes"] == 0


# --- one false word ------------------------------------------------------------------------------------------------

COLOURS = ("red", "yellow", "blue", "green", "gray", "black", "orange", "grey")
ROWS = {f"{name} row": range(3 * r, 3 * r + 3) for r, name in enumerate(("top", "middle", "bottom"))}
PLACES = ROWS | {f"{name} column": range(c, 9, 3) for c, name in enumerate(("left", "middle", "right"))}
PLACES |= {name: range(at, at + 1) for at, name in enumerate(POSITIONS)}
A_COLOUR = "|".join(COLOURS)


def cubes_faces(line: str) -> Iterator[tuple[Hashable, Hashable]]:
    colours = re.findall(A_COLOUR, line)
    named = re.findall(rf"\b({'|'.join(FACES)}) ({A_COLOUR})\b", line)
    yield from named or (zip(FACES, colours) if len(colours) == 6 else ())


def cubes_in_cells(line: str) -> Iterator[tuple[Hashable, Hashable]]:
    for colour, *cell in re.findall(rf"({A_COLOUR}) \((-?\d+),(-?\d+),(-?\d+)\)", line):
        yield tuple(map(int, cell)), colour
    if column := re.match(rf"\((-?\d+),(-?\d+)\): ({A_COLOUR})", line):
        yield ("column", int(column[1]), int(column[2])), column[3]


def squares(line: str) -> Iterator[tuple[Hashable, Hashable]]:
    for place, face, colours in re.findall(rf"([a-z]+[- ]?[a-z]*) of ([A-Z]) now ((?:(?:{A_COLOUR}) ?)+)", line):
        said = colours.split() * (len(PLACES[place]) if len(colours.split()) == 1 else 1)
        yield from (((face, at), colour) for at, colour in zip(PLACES[place], said, strict=True))
    for face, colours in re.findall(rf"\b([A-Z]|[a-z]+): ((?:all |/ |(?:{A_COLOUR}) ?)+)", line):
        said = re.findall(A_COLOUR, colours) * (9 if "all" in colours else 1)
        letter = face if face in LETTERS else next(letter for letter, name in LETTERS.items() if name == face)
        yield from (((letter, at), colour) for at, colour in zip(range(9), said, strict=True))


def places(line: str) -> Iterator[tuple[Hashable, Hashable]]:
    for thing, row, column in re.findall(r"(player|box|Target:) \((\d+),(\d+)\)", line):
        yield thing.lower().strip(":"), (int(row), int(column))


def blocks(line: str) -> Iterator[tuple[Hashable, Hashable]]:
    for row, digits in re.findall(r"row (\d) (\d{4})", line):
        yield from (((int(row), column), digit) for column, digit in enumerate(digits))
    for block, row, column in re.findall(r"(\d) on \((\d),(\d)\)", line):
        yield (int(row), int(column)), block


SAID: dict[str, Callable[[str], Iterator[tuple[Hashable, Hashable]]]] = {
    "cube_rolling": cubes_faces,
    "mental_rotation": cubes_in_cells,
    "moving_box": places,
    "rubiks_cube": squares,
    "wood_slide": blocks,
}
"""World -> what a line of a trace in a shorter length says, slot and value, read by a hand that is not the filter's."""

WORDS = {
    "cube_rolling": [COLOURS[:6], FACES],
    "mental_rotation": [COLOURS[:6], [str(n) for n in range(-4, 5)]],
    "moving_box": [[str(n) for n in range(7)]],
    "rubiks_cube": [["red", "green", "blue", "yellow", "orange", "grey"], list(LETTERS), list(PLACES)],
    "wood_slide": [list("0123456789")],
}
"""World -> words of which one can stand for another."""


def false_words(of: Problem[Any, Any], text: str, rng: Rng) -> Iterator[str]:
    """The trace with one word of a state put wrong, for each line that says anything of one."""
    world = WORLDS[of.world]
    states = world.replay(of.start, world.solve(of))
    lines = text.splitlines()
    for at, line in enumerate(lines):
        head = re.match(r"(?:(\d+)\. (?:\w+: )?|Start: |Traced back: .*|Answer: .*)?", line)
        assert head is not None
        number = int(head[1]) if head[1] else 0 if line.startswith("Start") else len(states) - 1
        words = [
            (match, [other for other in alike if other != match[0]])
            for alike in WORDS[of.world]
            for match in re.finditer(rf"(?<![\w-])(?:{'|'.join(sorted(alike, key=len, reverse=True))})(?![\w-])", line)
            if match.start() >= head.end()
        ]
        if of.world == "wood_slide":  # digits stand together; a row or a block that is not there is nothing one can say
            words = [
                (match, [digit for digit in digits if digit != match[0]])
                for pattern, digits in (
                    (r"(?<=row )\d", "01234"),
                    (r"\d(?= on)", "123456789"),
                    (r"(?<!row )\d(?! on)", "0123456789"),
                )
                for match in re.finditer(pattern, line)
                if match.start() >= head.end()
            ]
        if not words:
            continue
        for _ in range(20):
            match, others = rng.choice(words)
            spoilt = line[: match.start()] + rng.choice(others) + line[match.end() :]
            try:
                said = list(SAID[of.world](spoilt))
            except ValueError:  # a row of squares for a single one: nothing that can be false
                continue
            true = world.facts(states[number])
            if any(true.get(slot) != value for slot, value in said):
                yield "\n".join([*lines[:at], spoilt, *lines[at + 1 :]])
                break


def seen_otherwise(of: Problem[Any, Any], line: str) -> bool:
    """Whether what a line of sight falsely shows is seen in mirrored or swapped axes, or before a turn."""
    states = WORLDS[of.world].replay(of.start, WORLDS[of.world].solve(of))
    seen = [
        {slot[1:]: c for slot, c in WORLDS[of.world].facts(state).items() if slot[0] == "column"} for state in states
    ]
    return any(
        seen[-1].get((a, b)) != colour
        and colour
        in {view.get((s * u, t * v)) for view in seen for u, v in ((a, b), (b, a)) for s in (1, -1) for t in (1, -1)}
        for (slot, a, b), colour in ((slot, colour) for slot, colour in cubes_in_cells(line) if slot[0] == "column")
    )


@pytest.mark.parametrize("length", LENGTHS[1:])
@pytest.mark.parametrize("world", WORLDS)
def test_one_false_word_makes_a_short_trace_lucky(world, length, full):
    """But for a line of sight of Mental Rotation that would be true in other axes, or before a turn."""
    tried = missed = 0
    for difficulty in DIFFICULTIES:
        for index in range(300 if full else 30):
            of = item(world, index, difficulty)
            spoilt = list(false_words(of, oracle_response(of, length=length), Rng("false", world, length, index)))
            for text in Rng("few", index).shuffled(spoilt)[:3]:
                tried += 1
                found = judge_trace(of, text, "stop", CONSISTENT)
                if found is None:
                    missed += 1
                    assert world == "mental_rotation", text
                    assert any(seen_otherwise(of, line) for line in text.splitlines()), text
                else:
                    assert found[0] == "lucky", (found, text)
    assert tried > 200
    assert missed <= 0.07 * tried, (missed, tried)


def test_what_is_traced_back_is_where_it_comes_from():
    """It is no state: the filter does not read it, so it is held here, by cubes whose squares all differ."""
    for difficulty in DIFFICULTIES:
        for index in range(100):
            of = item("cube_rolling", index, difficulty)
            states = WORLDS["cube_rolling"].replay(of.start, WORLDS["cube_rolling"].solve(of))
            faces = [FACES[state.colours.index(WORLDS["cube_rolling"].truth(of))] for state in reversed(states)]
            assert traced_back(of) == [face for at, face in enumerate(faces) if face != faces[at - 1] or not at]

            of = item("rubiks_cube", index, difficulty)
            numbered = WORLDS["rubiks_cube"].replay(bytes(range(54)), WORLDS["rubiks_cube"].solve(of))
            letter = next(letter for letter, name in LETTERS.items() if name == of.query.face)
            asked = squares_of(f"{of.query.position} of {letter}" if of.query.position else letter)
            wanted = [asked]
            followed = {numbered[-1][at] for at in asked}
            for before, after in zip(numbered[-2::-1], numbered[:0:-1]):
                moved = {before.index(number) for number in followed if before.index(number) != after.index(number)}
                wanted += [moved] if moved else []
            said = [set().union(*map(squares_of, part.split(", "))) for part in traced_back(of)]
            # A face that is turned is told with its middle.
            assert [some - MIDDLES for some in said] == [some - MIDDLES for some in wanted] or said == wanted


MIDDLES = set(range(4, 54, 9))


def squares_of(name: str) -> set[int]:
    """The numbers of the squares that "left column of U" or "U" names."""
    place, _, face = name.rpartition(" of ")
    return {9 * list(LETTERS).index(face) + at for at in (PLACES[place] if place else range(9))}


def traced_back(of: Problem[Any, Any]) -> list[str]:
    first = oracle_response(of, length="needed").splitlines()[0]
    assert first.startswith("Traced back: ")
    return first.removeprefix("Traced back: ").split("; " if of.world == "rubiks_cube" else " ")


# --- how they are asked for ----------------------------------------------------------------------------------------


def test_a_search_is_told_in_full_alone_and_a_length_that_is_none_is_refused():
    of = item("moving_box", 0)
    with pytest.raises(ValueError, match="a search is told in full alone, not in 'needed'"):
        oracle_response(of, "search", Rng("a"), "needed")
    with pytest.raises(ValueError, match="unknown length 'short': use one of full, changes, needed"):
        oracle_response(of, length="short")


def test_a_recipe_of_lengths_that_cannot_be_told_says_so():
    with refused("teacher.lengths", "short", "full, changes, needed"):
        TracesRecipe(teacher=TeacherRecipe(lengths={"short": 1.0})).check()
    with refused("teacher.lengths", "teacher hf", "leave it out"):
        TracesRecipe(teacher=TeacherRecipe("hf", "m", lengths={"needed": 1.0})).check()
    with refused("teacher.lengths", "cube_rolling_part", "leave it out"):
        TracesRecipe(worlds={"cube_rolling_part": 1.0}, teacher=TeacherRecipe(lengths={"needed": 1.0})).check()


@pytest.mark.parametrize("world", PARTS)
def test_a_scene_that_is_shown_in_part_is_told_in_full(world):
    of = item(world, 0)
    assert {oracle_trace(of, length=length) for length in LENGTHS} == {oracle_trace(of)}
    assert oracle_trace(of, length="needed").length == "full"


class NamedFaces(CubeRolling):
    """A sixth world that registers nothing: it writes the name of each face beside its colour."""

    name = "named_faces"

    def line(self, state: Cube) -> str:
        return ", ".join(f"{face} {colour}" for face, colour in self.facts(state).items())


class NoFacts(NamedFaces):
    """A world whose lines are compared as they are."""

    def facts(self, state: Cube) -> dict[Hashable, Hashable]:
        return {}

    def line(self, state: Cube) -> str:
        return " ".join(state.colours)


def test_a_world_that_registers_nothing_tells_its_changes_if_its_facts_have_names():
    of = item("cube_rolling", 0)
    named, without = NamedFaces(), NoFacts()
    text, length = tell(telling_of(named), of, "changes")
    assert length == "changes"
    steps, full = text.splitlines()[1:-2], named.narrate(of).splitlines()[1:-2]
    for short, long in zip(steps, full, strict=True):
        assert short.partition(": ")[0] == long.partition(": ")[0]
        said = set(cubes_faces(short))
        assert said < set(cubes_faces(long))
        assert len(said) == 4
    assert tell(telling_of(named), of, "needed") == (text, "changes")
    assert tell(telling_of(without), of, "needed") == (without.narrate(of), "full")


# --- the page ------------------------------------------------------------------------------------------------------

EXAMPLES = {"cube_rolling": 4, "mental_rotation": 11, "moving_box": 3, "rubiks_cube": 23, "wood_slide": 20}
"""World -> the easy problem (seed 0) whose traces docs/examples/lengths.md shows."""


def example(world: str) -> str:
    """The three traces of an example as the page shows them; the longest lines are cut."""
    of = sample_problem(WORLDS[world], seed=0, split="train", index=EXAMPLES[world], difficulty="easy")
    lines: list[str] = []
    for length in LENGTHS:
        lines += ["", f"{length}:", *oracle_response(of, length=length).splitlines()]
    return "\n".join(f"    {line if len(line) <= 120 else line[:90] + ' ...'}".rstrip() for line in lines[1:])


@pytest.mark.parametrize("world", WORLDS)
def test_the_page_of_examples_shows_what_is_told(world):
    assert example(world) in (ROOT / "docs/examples/lengths.md").read_text()


def test_the_page_on_teachers_shows_one_of_them():
    assert example("moving_box") in (ROOT / "docs/teachers.md").read_text()


def test_the_page_tells_the_measured_lengths():
    told = json.loads((ROOT / "bench/results/lengths.json").read_text())
    page = (ROOT / "docs/teachers.md").read_text()
    assert table(told["lengths"]) in page
    for world, cause in (("mental_rotation", "nothing turns"), ("moving_box", "every move pushes")):
        longer = sum(found["told_longer"]["changes"] for found in told["lengths"][world].values())
        assert f"| {longer} of {3 * told['problems']:,} |" in next(line for line in page.splitlines() if cause in line)
    counts = {level: sum(kept["kept"] for kept in told["kept"][level]["counts"].values()) for level in told["kept"]}
    prose = " ".join(page.split())
    assert f"Of {told['candidates']} candidates" in prose
    assert f"keeps {counts['consistent']} at the level `consistent` and {counts['process']} at `process`" in prose
