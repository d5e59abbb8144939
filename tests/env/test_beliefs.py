"""Beliefs of whole scenes, scored cell by cell; every number here was counted by hand."""

from __future__ import annotations

import pytest

from idf.env import Episode, Options
from idf.scoring import score_belief
from idf.worlds import WORLDS
from tests.env.test_episode import AFTER_BOTH, AFTER_RIGHT, ROOM, begun, rolling, room, slides
from tests.sentences import says

STRUCTURE = "red (0,0,0); blue (0,0,1); red (0,1,0)"
CASES = [
    # Moving Box: 25 cells of a 5 x 5 room
    ("moving_box", ROOM, ROOM, 25, 25),
    ("moving_box", ROOM, f"I believe that it looks so:\n```\n{ROOM}\n```", 25, 25),
    ("moving_box", ROOM, ROOM.replace("S B T", "B S T"), 23, 25),
    ("moving_box", ROOM, ROOM.replace("# . . . #", "# . # . #"), 24, 25),
    ("moving_box", ROOM, "It is a small room.", 0, 25),
    # Cube Rolling: six faces
    ("cube_rolling", "red yellow blue green gray black at 0,0", "red yellow blue green gray black", 6, 6),
    ("cube_rolling", "red yellow blue green gray black at 0,0", "red yellow blue green black gray", 4, 6),
    ("cube_rolling", "red yellow blue green gray black at 0,0", "The top is red and the left face is black.", 1, 6),
    ("cube_rolling", "red yellow blue green gray black at 0,0", "top: red\nleft: blue\nback: gray", 2, 6),
    ("cube_rolling", "red yellow blue green gray black at 0,0", "The top was red.", 0, 6),
    # Wood Slide: 20 cells
    ("wood_slide", "1122/1133/4500/6788/6799", "1122/1133/4500/6788/6799", 20, 20),
    ("wood_slide", "1122/1133/4500/6788/6799", "1122/1133/4050/6788/6799", 18, 20),
    ("wood_slide", "1122/1133/4500/6788/6799", "1122\n1133\n4500\n6788\n6799", 20, 20),
    ("wood_slide", "1122/1133/4500/6788/6799", "Row 2 is 4500.", 4, 20),
    # Mental Rotation: three cubes, and what is named beyond them
    ("mental_rotation", STRUCTURE, "blue (0,0,1); red (0,0,0); red (0,1,0)", 3, 3),
    ("mental_rotation", STRUCTURE, "- (0,0,0): red\n- (0,0,1): black", 1, 3),
    ("mental_rotation", STRUCTURE, f"{STRUCTURE}; gray (1,0,0)", 3, 4),
    ("mental_rotation", STRUCTURE, "<think>red (0,0,0)</think> I do not know.", 0, 3),
]


@pytest.mark.parametrize(("world", "state", "text", "right", "cells"), CASES)
def test_a_belief_is_scored_cell_by_cell(world, state, text, right, cells):
    belief = score_belief(WORLDS[world], WORLDS[world].read(state), text)
    assert (belief.right, belief.cells) == (right, cells)
    assert belief.share == right / cells


def test_a_turned_cube_has_54_squares():
    world = WORLDS["rubiks_cube"]
    solved = bytes(colour for colour in range(6) for _ in range(9))
    start = world.write(solved)
    # U takes the upper rows of four faces round: 12 squares are of another colour.
    assert score_belief(world, world.step(solved, "U"), start) == (42, 54)
    assert score_belief(world, solved, start.replace("; ", "\n")) == (54, 54)


def test_a_world_that_tells_no_parts_is_believed_whole_or_not_at_all(monkeypatch):
    world = WORLDS["wood_slide"]
    monkeypatch.setattr(type(world), "cells", lambda self, state: {})
    state = world.read("1122/1133/4500/6788/6799")
    assert score_belief(world, state, "1122/1133/4500/6788/6799").share == 1.0
    assert score_belief(world, state, "1122/1133/4050/6788/6799").share == 0.0
    assert score_belief(world, state, "hm").share == 0.0


def test_a_probe_costs_no_move_hides_the_state_and_comes_every_k_moves():
    episode = begun(room(), probe_every=1, max_moves=2)
    step = episode.step("u")
    assert step.information["asks"] == "belief"
    says(step.observation.text, "scene", "believe", "no move")
    assert "# S . . #" not in step.observation.text
    then = episode.step(ROOM)  # as it was before: the player has left one cell and come to another
    assert then.information["beliefs"] == (23 / 25,)
    assert then.information["moves"] == 1
    assert "# S . . #\n# . B T #" in then.observation.text
    assert episode.step("d").information["end"] == "moves", "two replies, and a belief that is none"
    assert episode.beliefs == [23 / 25]


def test_an_illegal_move_brings_no_probe():
    assert begun(room(), probe_every=1).step("l").information["asks"] == "move"
    assert begun(slides(), probe_every=2).step("5r").information["asks"] == "move"


def test_a_probe_of_a_described_world_comes_between_its_steps():
    episode = begun(rolling(), probe_every=2)
    assert episode.step(AFTER_RIGHT).information["asks"] == "state"
    assert episode.step("State: red yellow blue green gray black").information["asks"] == "belief"
    then = episode.step(AFTER_BOTH)
    assert (then.information["asks"], then.information["beliefs"]) == ("answer", (1.0,))


def test_the_picture_comes_behind_the_belief():
    episode = Episode(room(), Options(show="picture", probe_every=1, max_pixels=100_000))
    episode.reset()
    assert episode.step("u").observation.picture() is None
    assert episode.step("no idea").observation.picture() is not None


def test_words_of_a_belief_are_tokens():
    episode = begun(room(), probe_every=1, max_tokens=4)
    episode.step("u")
    assert episode.step("I do not know").information["end"] == "tokens"
