"""What all basic skills share: the scene, the rule, a balanced answer, the form of a lesson."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

from idf.worlds import Rng, Walk

from .._lesson import Lesson, stretch

T = TypeVar("T", bound=Hashable)

RULES = {
    "cube_rolling": (
        "A cube stands on a board. Its face colours are written in the order top, bottom, left, right, front (towards you), "
        "back. Cells are (x,z): x to the right, z to the front."
    ),
    "mental_rotation": (
        "A structure is built of coloured unit cubes. Cells are (x,y,z): x to the right, y up, z to the front (towards you)."
    ),
    "moving_box": (
        "In a grid S is the player, B the box, T the target, + and * the player and the box on the target, # a wall. "
        "Cells are (row,column), counted from 0 at the top left."
    ),
}
"""World -> what the long wording says first."""


STANDS = {"back": "behind", "left": "to the left of", "right": "to the right of"}
"""Side -> where somebody stands who looks from there; the front is where we look from."""


def ask(scene: Walk[Any], question: str, lines: Sequence[str], answer: str, **more: Any) -> Lesson:
    """A lesson that ends in its answer. `more` may hold "subject", "fields", "asked" and other attributes of it."""
    fields = {"question": question, **more.pop("fields", {})}
    asked, initial = more.pop("asked", question), more.pop("initial", None)
    response = "\n".join([*lines, f"Answer: {answer}"])
    return Lesson(scene, scene, fields, response, answer, initial, asked, RULES[scene.world], **more)


def still(walk: Walk[Any], rng: Rng) -> Walk[Any]:
    """A moment of a walk, as a scene in which nothing is done."""
    return stretch(walk, rng.below(len(walk.actions) + 1), 0)


def drawn(rng: Rng, right: Mapping[T, Sequence[Any]]) -> tuple[T, Any] | None:
    """An answer, each as likely as the others, and a question to which it is right; None unless each is right for some."""
    if not all(right.values()):
        return None
    answer = rng.choice(list(right))
    return answer, rng.choice(right[answer])
