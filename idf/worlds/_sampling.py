"""Problems and walks by index: the same index gives the same sample in every process and every order."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar

from ._rng import Rng
from ._world import Problem, Walk, World

SPLITS = ("train", "eval")
EVAL_SHARE = 0.1

T = TypeVar("T")


def split_of(world: str, content: str) -> str:
    """The split that a scene belongs to, by a hash of its content alone: "train", or "eval" for one in ten.

    Whoever generates a scene, and whatever the seed, it lands on the same side; so nothing that a model is
    trained on can be asked in an evaluation of the other split.
    """
    digest = blake2b(f"{world}|{content}".encode(), digest_size=8).digest()
    return "eval" if int.from_bytes(digest, "little") < EVAL_SHARE * 2.0**64 else "train"


def sample_problem(world: World[Any, Any], *, seed: int, split: str, index: int, difficulty: str) -> Problem[Any, Any]:
    """Problem number `index` of a split. Scenes of the other split are drawn again."""
    return _draw_until(
        world, ("problem", seed, split, difficulty, index), lambda rng: world.pose(rng, difficulty), world.content
    )


def sample_walk(world: World[Any, Any], *, seed: int, split: str, index: int, difficulty: str) -> Walk[Any]:
    """Walk number `index` of a split. Scenes of the other split are drawn again."""
    return _draw_until(
        world, ("walk", seed, split, difficulty, index), lambda rng: world.wander(rng, difficulty), world.walk_content
    )


def _draw_until(
    world: World[Any, Any],
    key: tuple[str, int, str, str, int],
    draw: Callable[[Rng], T],
    content: Callable[[T], str],
) -> T:
    split = key[2]
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: use one of {', '.join(SPLITS)}")
    rng = Rng(world.name, world.version, *key)
    while split_of(world.name, content(item := draw(rng))) != split:
        continue
    return item
