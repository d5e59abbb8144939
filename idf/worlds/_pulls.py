"""Moving Box's searches on bit masks, backwards from the target: the least number of pushes and of moves from everywhere.

A set of cells is a whole number; bit `row * columns + column` stands for a cell. Rooms are closed, so no step leaves its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple


class Positions(NamedTuple):
    """Where a box that can be moved is, and the cells that the player can walk to without moving it: one position.

    They are the same whatever the target is, and known by their number. In none of them is the player in a part of the room
    from which no way leads to the box.

    Attributes:
        boxes: The cell of the box in each of them.
        regions: The cells of the player, as a bit mask.
        pulls: The positions from which one push leads to it.
    """

    boxes: list[int]
    regions: list[int]
    pulls: list[list[int]]


def positions_of(floor: int, columns: int) -> Positions:
    """All positions on a floor.

    Args:
        floor: The free cells.
        columns: Cells in a row.
    """
    # Of three cells in a row the box is pulled from one end to the middle, the player steps from there to the other.
    firsts = {step: floor & floor >> step & floor >> 2 * step for step in (columns, 1)}
    movable = 0
    for step, first in firsts.items():
        movable |= first | first << step | first << 2 * step
    boxes: list[int] = []
    regions: list[int] = []
    numbers: dict[int, range] = {}  # of the positions with the box on a cell
    ring = 0b111 | 0b101 << columns | 0b111 << 2 * columns
    for area in _regions(floor, columns):
        for box in bits(area & movable):
            rest = area & ~(1 << box)
            # Most boxes cut nothing off, which the cells around them show.
            parts = _regions(rest, columns) if _may_cut(area >> box - columns - 1 & ring, columns) else [rest]
            numbers[box] = range(len(boxes), len(boxes) + len(parts))
            boxes += [box] * len(parts)
            regions += parts

    def number(box: int, player: int) -> int:
        for at in numbers[box]:
            if regions[at] >> player & 1:
                return at
        raise ValueError(f"the player cannot be on cell {player}")

    pulls: list[list[int]] = [[] for _ in boxes]
    for step, cells in firsts.items():
        for first in bits(cells):
            middle, last = first + step, first + 2 * step
            pulls[number(first, middle)].append(number(middle, last))
            pulls[number(last, middle)].append(number(middle, first))
    return Positions(boxes, regions, pulls)


def pushes_of(positions: Positions, targets: int, most: int | None = None) -> list[dict[int, int]]:
    """For each position the targets that it is some number of pushes away from, and no fewer.

    One breadth-first search for all targets together.

    Args:
        positions: All of the room.
        targets: The cells from which the search starts.
        most: Pushes beyond which nothing is looked for; None for no limit.

    Returns:
        Number of pushes -> position -> its targets; positions without any are left out, and so are numbers at the end.
    """
    pulls = positions.pulls
    seen = [targets & 1 << box for box in positions.boxes]
    levels = [{at: here for at, here in enumerate(seen) if here}]
    while levels[-1] and (most is None or len(levels) <= most):
        pulled: dict[int, int] = {}
        for at, here in levels[-1].items():
            for there in pulls[at]:
                pulled[there] = pulled.get(there, 0) | here
        level = {}
        for at, here in pulled.items():
            if new := here & ~seen[at]:
                seen[at] |= new
                level[at] = new
        levels.append(level)
    return levels if levels[-1] else levels[:-1]


def moves_of(floor: int, columns: int, target: int) -> list[dict[int, int]]:
    """Where player and box can be that are some number of moves away from a target, and no fewer.

    A breadth-first search backwards, from the box on the target: a move is a step back, or a pull.

    Args:
        floor: The free cells.
        columns: Cells in a row.
        target: The cell of the box at the end.

    Returns:
        Number of moves -> cell of the box -> cells of the player, as a bit mask.
    """
    beside = 0b010 | 0b101 << columns | 0b010 << 2 * columns  # of the cell at row 1 and column 1
    level = {target: floor & ~(1 << target)}
    levels, seen = [], dict(level)
    while level:
        levels.append(level)
        back: dict[int, int] = {}
        for box, players in level.items():
            steps = (players << 1 | players >> 1 | players << columns | players >> columns) & floor & ~(1 << box)
            back[box] = back.get(box, 0) | steps
            # The last move may have pushed the box from where the player is now.
            for step in (1, -1, columns, -columns) if players & beside << box - columns - 1 else ():
                if players >> box + step & 1 and floor >> box + 2 * step & 1:
                    back[box + step] = back.get(box + step, 0) | 1 << box + 2 * step
        level = {}
        for box, players in back.items():
            if new := players & ~seen.get(box, 0):
                seen[box] = seen.get(box, 0) | new
                level[box] = new
    return levels


def number_of(levels: Sequence[Mapping[int, int]], key: int, cell: int) -> int | None:
    """The number of pushes or moves at which a cell is found under a key of the levels; None if it is not."""
    for number, level in enumerate(levels):
        if level.get(key, 0) >> cell & 1:
            return number
    return None


def bits(mask: int) -> list[int]:
    """The cells of a set, in order."""
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def _regions(floor: int, columns: int) -> list[int]:
    """The parts of a floor that hang together."""
    parts = []
    while floor:
        parts.append(_reach(floor & -floor, floor, columns))
        floor &= ~parts[-1]
    return parts


@lru_cache(maxsize=4096)
def _may_cut(around: int, columns: int) -> bool:
    """Whether the free cells at the sides of a box may not reach each other through those around it.

    Args:
        around: The free ones of the eight cells around the box, which is at row 1 and column 1.
        columns: Cells in a row.
    """
    sides = 0b010 | 0b101 << columns | 0b010 << 2 * columns
    return sum(part & sides != 0 for part in _regions(around, columns)) != 1


def _reach(cells: int, floor: int, columns: int) -> int:
    """All cells that can be walked to."""
    while (wider := (cells | cells << 1 | cells >> 1 | cells << columns | cells >> columns) & floor) != cells:
        cells = wider
    return cells
