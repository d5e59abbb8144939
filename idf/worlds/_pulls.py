"""Moving Box's search on bit masks: the least number of pushes from everywhere, found by pulling the box away from the target.

A set of cells is a whole number; bit `row * columns + column` stands for a cell. Rooms are closed, so no step leaves its row.
"""

from __future__ import annotations

from functools import lru_cache


class Position:
    """Where the box is and the cells that the player can walk to without moving it: all of them are one position.

    Attributes:
        box: Number of its cell.
        region: The cells, as a bit mask.
        pulls: The positions from which one push leads here.
    """

    __slots__ = ("box", "pulls", "region")

    def __init__(self, box: int, region: int) -> None:
        self.box, self.region = box, region
        self.pulls: list[Position] = []


def positions_of(floor: int, columns: int) -> dict[int, list[Position]]:
    """All positions on a floor, by the cell of the box. They are the same whatever the target is.

    Args:
        floor: The free cells.
        columns: Cells in a row.
    """
    positions: dict[int, list[Position]] = {}
    areas = _regions(floor, columns)
    for area in areas:
        elsewhere = [other for other in areas if other != area]
        for box in bits(area):
            rest = area & ~(1 << box)
            # Most boxes cut nothing off, which the cells around them show.
            around = area >> box - columns - 1
            cut = _may_cut(around & 7, around >> columns & 7, around >> 2 * columns & 7)
            parts = _regions(rest, columns) if cut else [rest]
            positions[box] = [Position(box, part) for part in parts + elsewhere]
    for step in (columns, 1):
        # Of three cells in a row the box is pulled from one end to the middle, the player steps from there to the other.
        for first in bits(floor & floor >> step & floor >> 2 * step):
            middle, last = first + step, first + 2 * step
            for box, behind in ((first, last), (last, first)):
                _with_player(middle, positions[box]).pulls.append(_with_player(behind, positions[middle]))
    return positions


def levels_of(positions: dict[int, list[Position]], target: int, most: int | None = None) -> list[list[Position]]:
    """The positions by their least number of pushes to the target.

    Args:
        positions: All of the room.
        target: Number of its cell.
        most: Pushes beyond which nothing is looked for; None for no limit.

    Returns:
        Number of pushes -> positions; the last list may be empty.
    """
    levels = [positions[target]]
    seen = set(levels[0])
    while levels[-1] and (most is None or len(levels) <= most):
        pulled = []
        for at in levels[-1]:
            for there in at.pulls:
                if there not in seen:
                    seen.add(there)
                    pulled.append(there)
        levels.append(pulled)
    return levels


def bits(mask: int) -> list[int]:
    """The cells of a set, in order."""
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def _with_player(cell: int, positions: list[Position]) -> Position:
    for at in positions:
        if at.region >> cell & 1:
            return at
    raise ValueError(f"the player cannot be on cell {cell}")


def _regions(floor: int, columns: int) -> list[int]:
    """The parts of a floor that hang together."""
    parts = []
    while floor:
        parts.append(_reach(floor & -floor, floor, columns))
        floor &= ~parts[-1]
    return parts


@lru_cache(maxsize=512)
def _may_cut(above: int, beside: int, below: int) -> bool:
    """Whether the free cells at the sides of a box, in three rows of three, may not reach each other without it."""
    columns = 5  # a margin, so that no step leaves its row
    around = above << 1 | (beside & 0b101) << columns + 1 | below << 2 * columns + 1
    sides = 0b010 << 1 | 0b101 << columns + 1 | 0b010 << 2 * columns + 1
    return sum(part & sides != 0 for part in _regions(around, columns)) != 1


def _reach(cells: int, floor: int, columns: int) -> int:
    """All cells that can be walked to."""
    while (wider := (cells | cells << 1 | cells >> 1 | cells << columns | cells >> columns) & floor) != cells:
        cells = wider
    return cells
