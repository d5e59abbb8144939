"""The floor and the ceiling on the published files, by the real scorer and by counting in the rows themselves."""

from __future__ import annotations

import re
from functools import cache
from math import prod, sqrt

import pytest

from idf.evaluation import baseline_response
from idf.scoring import score
from idf.suites import MAIN_FILES, MODES, Item, PublishedRow, open_suite, read_published
from idf.worlds import WORLDS
from tests.drawing.originals import FOLDER, needs_originals

pytestmark = needs_originals

# File of the whole benchmark -> its rows, and how many of them somebody answers right who imagines nothing.
WHOLE = {
    "cube_rolling_samples.json": (200, 37),
    "mental_rotation_samples.json": (250, 29),
    "rubiks_cube_samples.json": (200, 102),
    "move_box_samples.json": (200, 0),
    "wood_slide_samples.json": (200, 0),
}


@cache
def items() -> list[Item]:
    return open_suite(f"spatialite:{FOLDER}:all")


def right(item: Item, player: str, mode: str, again: int = 0) -> bool:
    seed = f"{item.id} {mode}" + (f" {again}" if again else "")
    return score(item.problem, baseline_response(player, item.problem, seed)).correct


def answered_by_the_start(row: PublishedRow) -> bool:
    """Whether the published answer can be read off the published start, without any code of the worlds."""
    state, answer = row.data["initial_state"], str(row.data["answer"]).lower()
    if row.problem.world == "cube_rolling":
        return answer.rstrip(".").split()[-1] == state["initial_colors"][state["test_face"]]
    if row.problem.world == "rubiks_cube":
        colour = state["start_position"][state["query_face"]][1][1]
        return answer == (colour if "position_idx" in state else str(9 * (colour == state["query_colour"])))
    if row.problem.world == "mental_rotation":
        colours = list(state.values())
        return {colour: int(n) for colour, n in re.findall(r"(\w+): (\d+) cube", answer)} == {
            colour: colours.count(colour) for colour in colours
        }
    return False  # no box is on its target and no board is slid to the end from the start


@pytest.mark.parametrize("mode", MODES)
def test_the_oracle_is_right_on_every_item_of_every_file(mode):
    assert [item.id for item in items() if not right(item, "oracle", mode)] == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("file", MAIN_FILES)
def test_imagining_nothing_is_right_exactly_where_the_published_answer_is_the_start(file, mode):
    rows = read_published(next(FOLDER.glob(f"**/{file}")))
    known = {row.id: answered_by_the_start(row) for row in rows}
    mine = [item for item in items() if item.id in known]
    assert {item.id: right(item, "initial", mode) for item in mine} == known
    n, floor = WHOLE[file]
    if len(rows) == n:
        assert sum(known.values()) == floor


def chance(item: Item) -> float:
    """How often a guess at random is right."""
    problem, world = item.problem, WORLDS[item.problem.world]
    kind = world.answer_kind(problem)
    if kind == "colour":
        return 1 / len(world.colours)
    return 0.1 if kind == "count" else 1 / prod(n + 1 for n in world.initial(problem).values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", [world for world in WORLDS if not WORLDS[world].plans])
def test_guessing_at_random_is_right_as_often_as_chance_has_it(world, mode):
    mine = [item for item in items() if item.problem.world == world]
    chances = [chance(item) for item in mine for _ in range(10)]
    hits = sum(right(item, "random", mode, again) for item in mine for again in range(10))
    assert abs(hits - sum(chances)) < 4 * sqrt(sum(p * (1 - p) for p in chances)), (hits, sum(chances))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", [world for world in WORLDS if WORLDS[world].plans])
def test_a_random_walk_solves_next_to_nothing_and_never_breaks_a_rule(world, mode):
    mine = [item for item in items() if item.problem.world == world]
    verdicts = [score(item.problem, baseline_response("random", item.problem, f"{item.id} {mode}")) for item in mine]
    assert {verdict.error for verdict in verdicts} <= {None, "incomplete"}
    assert sum(verdict.correct for verdict in verdicts) < 0.05 * len(mine)
