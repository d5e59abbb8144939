"""Basic skills, each in the worlds whose `reading` and `step` do not have them: what is asked of a scene that stands still.

where        in which cell something is
direction    which way one thing lies from another
distance     how many cells lie between two things, by a measure that the question names
compare      whether a second scene is the first one, turned
perspective  left and right as somebody else sees them
relations    a chain of relations in text alone: where is its last thing from its first?

Answers are balanced by construction. Where a question has a few fixed answers, it is put to scenes in which each of them
could be right; then one is drawn, and a question to which it is the answer. What else stands in the question (colours,
sides, things) is interchangeable in its world, so its words do not give the answer away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from idf.worlds import Rng, Walk

from .._lesson import Lesson
from . import cube_rolling, mental_rotation, moving_box

BASICS: dict[str, dict[str, Callable[[Walk[Any], Rng], Lesson | None]]] = {
    "where": {
        "cube_rolling": cube_rolling.where_it_ends,
        "moving_box": moving_box.where_the_target_is,
    },
    "direction": {
        "mental_rotation": mental_rotation.which_way_a_cube_lies,
        "moving_box": moving_box.which_way_a_thing_lies,
    },
    "distance": {
        "cube_rolling": cube_rolling.how_far_it_gets,
        "mental_rotation": mental_rotation.how_far_cubes_are_apart,
    },
    "compare": {
        "cube_rolling": cube_rolling.whether_it_is_the_same,
        "mental_rotation": mental_rotation.whether_it_is_the_same,
    },
    "perspective": {
        "cube_rolling": cube_rolling.which_face_another_sees,
        "mental_rotation": mental_rotation.how_another_sees_cubes,
        "moving_box": moving_box.how_the_player_sees_it,
    },
    "relations": {
        "cube_rolling": cube_rolling.chain_of_cells,
        "mental_rotation": mental_rotation.chain_of_cubes,
    },
}
"""Kind -> world -> how its samples are made of a walk."""
