"""Cells: problems of one world and one exact size, and the scenes of the train split that are held back."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from math import isfinite
from typing import NamedTuple

from idf.data import Slot
from idf.errors import UserError
from idf.worlds import PARTS, WORLDS

_KIND = "trace"
_OF_SIZE = f"{_KIND} of size "


class Cell(NamedTuple):
    """Problems of a world that are of one size, `World.size`.

    Its text is `<world>:<size>`, as in the key `cells` of a recipe.
    """

    world: str
    size: int

    def __str__(self) -> str:
        return f"{self.world}:{self.size}"

    @property
    def difficulty(self) -> str:
        """The difficulty that the size belongs to."""
        return WORLDS[self.world].difficulty(self.size)

    @classmethod
    def read(cls, text: str) -> Cell:
        """The cell that a text names.

        Raises:
            UserError: The text names no cell.
        """
        world, _, size = text.partition(":")
        if world not in (*WORLDS, *PARTS) or not size.isdecimal():
            raise UserError(f"cells: {text!r} is no cell: write a world and a size, such as cube_rolling:3")
        cell = cls(world, int(size))
        try:
            _ = cell.difficulty
        except ValueError as error:
            raise UserError(f"cells: {text!r} is no cell: {error}") from None
        return cell


def check_cells(weights: Mapping[str, float]) -> None:
    """Refuse weights of what is no cell, that are no weights, or that are all zero.

    Raises:
        UserError: The first such cell is named.
    """
    for name, weight in weights.items():
        Cell.read(name)
        if not isfinite(weight) or weight < 0:
            raise UserError(f"cells.{name} must be a number from zero on, not {weight}")
    if not any(weights.values()):
        raise UserError("cells: at least one weight must be above zero")


def slots_of_cells(weights: Mapping[str, float]) -> dict[Slot, float]:
    """The weight of the slot of each cell: its kind says of which size its problems are."""
    cells = {Cell.read(name): weight for name, weight in weights.items()}
    return {Slot(cell.world, cell.difficulty, f"{_OF_SIZE}{cell.size}"): weight for cell, weight in cells.items()}


def size_wanted(slot: Slot) -> int | None:
    """The size that a slot's problems must have; None for any."""
    return int(slot.kind.removeprefix(_OF_SIZE)) if slot.kind.startswith(_OF_SIZE) else None


def held_back(family: str, canonical: str, share: float) -> bool:
    """Whether a scene of the train split is among the share that is held back, by a hash of its canonical key.

    Whoever draws it, and whatever the seed, it is on the same side, together with all scenes that are canonically the same. A
    larger share holds back all that a smaller one does.

    Args:
        family: `World.family` of its world.
        canonical: The canonical key of the scene.
        share: From 0, nothing, to 1.
    """
    digest = blake2b(f"held back|{family}|{canonical}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2.0**64
