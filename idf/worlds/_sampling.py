"""Problems and walks by index: the same index gives the same scene in every process and every order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from ._rng import Rng
from ._world import Keys, Problem, Scene, Walk, World

SPLITS = ("train", "eval")
EVAL_SHARE = 0.1
_PATIENCE = 10_000

T_co = TypeVar("T_co", bound=Scene, covariant=True)

Avoid = Callable[[str, Keys], bool]
"""Whether a scene of a world must not be used, given its keys."""


def split_of(world: World[Any, Any], keys: Keys) -> str:
    """The split that a scene belongs to, by a hash of its canonical key: "train", or "eval" for one in ten.

    Whoever generates a scene, and whatever the seed, it lands on the same side, together with all scenes that are
    canonically the same; so nothing that a model is trained on can be asked in an evaluation of the other split.
    """
    return side_of(f"{world.family}|{keys.canonical}")


def side_of(text: str) -> str:
    """The split that a hash of a text falls to."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return "eval" if int.from_bytes(digest, "little") < EVAL_SHARE * 2.0**64 else "train"


@dataclass(frozen=True)
class Drawn(Generic[T_co]):
    """A scene by index.

    Attributes:
        scene: The problem or walk.
        keys: Its keys.
        attempt: How many scenes were drawn and put back before it.
        avoided: How many of those were to be avoided; the others belong to the other split.
    """

    scene: T_co
    keys: Keys
    attempt: int
    avoided: int


@dataclass(frozen=True)
class Draw:
    """Which scene of a world is wanted.

    Attributes:
        seed: Another seed gives other scenes.
        split: "train" or "eval". Scenes of the other split are drawn again.
        index: From 0.
        difficulty: "easy", "medium" or "hard".
        avoid: Which scenes are drawn again as well.
        purpose: Another purpose gives other scenes.
    """

    seed: int
    split: str
    index: int
    difficulty: str
    avoid: Avoid | None = None
    purpose: str = ""

    def problem(self, world: World[Any, Any]) -> Drawn[Problem[Any, Any]]:
        """The problem, with its keys.

        Raises:
            ValueError: The split or difficulty is unknown, or all that is drawn is to be avoided or of the other split.
        """
        return self._until(world, self.problem_again)

    def walk(self, world: World[Any, Any]) -> Drawn[Walk[Any]]:
        """The walk, with its keys; raises as `problem`."""
        return self._until(world, self.walk_again)

    def problem_again(self, world: World[Any, Any], attempt: int) -> Problem[Any, Any]:
        """A problem that was drawn before, by the number of its attempt: no split and no key is looked at again."""
        return world.pose_in(self._rng(world, "problem", attempt), self.difficulty, self.split)

    def walk_again(self, world: World[Any, Any], attempt: int) -> Walk[Any]:
        """A walk that was drawn before, by the number of its attempt."""
        return world.wander(self._rng(world, "walk", attempt), self.difficulty)

    def _rng(self, world: World[Any, Any], what: str, attempt: int) -> Rng:
        key = (what, self.purpose, self.seed, self.split, self.difficulty, self.index, attempt)
        return Rng(world.name, world.version, *key)

    def _until(self, world: World[Any, Any], draw: Callable[[World[Any, Any], int], T_co]) -> Drawn[T_co]:
        if self.split not in SPLITS:
            raise ValueError(f"unknown split {self.split!r}: use one of {', '.join(SPLITS)}")
        avoided = 0
        for attempt in range(_PATIENCE):
            scene = draw(world, attempt)
            keys = world.keys(scene)
            if split_of(world, keys) != self.split:
                continue
            if self.avoid is None or not self.avoid(world.family, keys):
                return Drawn(scene, keys, attempt, avoided)
            avoided += 1
        drawn = f"{_PATIENCE} {self.difficulty} scenes were drawn"
        raise ValueError(
            f"{world.name}: {drawn}, {avoided} are to be avoided and no other is of the split {self.split}"
        )


def sample_problem(world: World[Any, Any], *, seed: int, split: str, index: int, difficulty: str) -> Problem[Any, Any]:
    """Problem number `index` of a split. Scenes of the other split are drawn again."""
    return Draw(seed, split, index, difficulty).problem(world).scene


def sample_walk(world: World[Any, Any], *, seed: int, split: str, index: int, difficulty: str) -> Walk[Any]:
    """Walk number `index` of a split. Scenes of the other split are drawn again."""
    return Draw(seed, split, index, difficulty).walk(world).scene
