"""Views of structures in a box, and all structures that agree with some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product

from .mental_rotation import COLOURS, TOWARDS, VIEWS, Cell, Structure

Box = tuple[int, int, int]
View = tuple[str, ...]
"""The colour at each line of sight, row by row from the upper left, or EMPTY."""

EMPTY = "."
ANY = "?"
"""In place of the colour of a cube that no shown view shows: it may have any."""
MOST_OPEN = 16
"""A problem has no more cells that may hold a cube."""

_STEPS = tuple(TOWARDS.values())
# Of each view: the axis across it and whether that grows to the right; the axis down it and whether that grows downwards.
_AXES = {
    "front": ((0, True), (1, False)),
    "back": ((0, False), (1, False)),
    "right": ((2, False), (1, False)),
    "left": ((2, True), (1, False)),
    "top": ((0, True), (2, True)),
    "bottom": ((0, True), (2, False)),
}


@lru_cache(maxsize=4096)
def lines_of_sight(view: str, box: Box) -> tuple[tuple[Cell, ...], ...]:
    """The cells along each line of sight of a view, the nearest first; row by row from the upper left."""
    (across, rightwards), (down, downwards) = _AXES[view]
    axis = 3 - across - down
    near = range(box[axis])[:: -1 if TOWARDS[view][axis] > 0 else 1]
    lines = []
    for row in range(box[down])[:: 1 if downwards else -1]:
        for column in range(box[across])[:: 1 if rightwards else -1]:
            at = {across: column, down: row}
            lines.append(tuple(_cell({**at, axis: depth}) for depth in near))
    return tuple(lines)


def _cell(at: Mapping[int, int]) -> Cell:
    return at[0], at[1], at[2]


def columns_of(view: str, box: Box) -> int:
    """How many cells a row of a view has."""
    return box[_AXES[view][0][0]]


def seen_cells(shape: Mapping[Cell, str] | frozenset[Cell], view: str, box: Box) -> tuple[Cell | None, ...]:
    """The cell that each line of sight shows; None if it shows none."""
    return tuple(next((cell for cell in line if cell in shape), None) for line in lines_of_sight(view, box))


def look(colours: Mapping[Cell, str], view: str, box: Box) -> View:
    """What a view shows."""
    return tuple(EMPTY if cell is None else colours[cell] for cell in seen_cells(colours, view, box))


def in_box(structure: Structure) -> tuple[dict[Cell, str], Box]:
    """A structure moved to where its least x, y and z are 0, and its bounding box."""
    least = [min(cell[axis] for cell, _ in structure) for axis in range(3)]
    moved = {(x - least[0], y - least[1], z - least[2]): colour for (x, y, z), colour in structure}
    most = [max(cell[axis] for cell in moved) + 1 for axis in range(3)]
    return moved, (most[0], most[1], most[2])


def write_view(name: str, seen: View, box: Box) -> str:
    """A view in words: "front: red . / blue green"."""
    wide = columns_of(name, box)
    return f"{name}: " + " / ".join(" ".join(seen[at : at + wide]) for at in range(0, len(seen), wide))


def read_view(text: str, box: Box) -> tuple[str, View]:
    """The name of a view and what it shows.

    Raises:
        ValueError: The view is unknown, or has not the rows, columns and colours that it must have.
    """
    name, _, rows = text.partition(": ")
    if name not in VIEWS:
        raise ValueError(f"unknown view {name!r}: use one of {', '.join(VIEWS)}")
    seen = tuple(word for row in rows.split(" / ") for word in row.split())
    if write_view(name, seen, box) != text or len(seen) != len(lines_of_sight(name, box)):
        raise ValueError(f"not a view of a box of {box}: {text!r}")
    if strange := [word for word in seen if word not in (*COLOURS, EMPTY)]:
        raise ValueError(f"unknown colour {strange[0]!r} in the view {text!r}")
    return name, seen


def open_cells(views: Mapping[str, View], box: Box) -> list[Cell]:
    """The cells that no shown view says are empty."""
    empty = {
        cell
        for name, seen in views.items()
        for line, colour in zip(lines_of_sight(name, box), seen, strict=True)
        if colour == EMPTY
        for cell in line
    }
    return [cell for cell in product(*map(range, box)) if cell not in empty]  # type: ignore[misc]


def agreeing(views: Mapping[str, View], box: Box, cubes: int) -> list[dict[Cell, str]]:
    """All structures that agree with some views, in the order of their cells; ANY for colours that no view shows.

    Args:
        views: What each shown view shows.
        box: The bounding box.
        cubes: How many cubes there are.

    Raises:
        ValueError: More than MOST_OPEN cells may hold a cube.
    """
    cells = open_cells(views, box)
    if len(cells) > MOST_OPEN:
        raise ValueError(f"{len(cells)} cells may hold a cube, at most {MOST_OPEN} may be")
    found = []
    for shape in _shapes(cells, _needed(views, box), cubes):
        colours = _coloured(shape, views, box)
        if colours is not None and _hangs_together(shape):
            found.append(colours)
    return found


def _needed(views: Mapping[str, View], box: Box) -> list[frozenset[Cell]]:
    """Sets of cells of which each holds a cube: lines of sight that show one, and the six sides of the box."""
    lines = [
        frozenset(line)
        for name, seen in views.items()
        for line, colour in zip(lines_of_sight(name, box), seen, strict=True)
        if colour != EMPTY
    ]
    everywhere = list(product(*map(range, box)))
    sides = [
        frozenset(cell for cell in everywhere if cell[axis] == end) for axis in range(3) for end in (0, box[axis] - 1)
    ]
    return [*lines, *sides]  # type: ignore[list-item]


def _shapes(cells: Sequence[Cell], needed: Sequence[frozenset[Cell]], cubes: int) -> Iterator[frozenset[Cell]]:
    """All sets of so many cells that meet every needed set."""
    masks = [sum(1 << at for at, cell in enumerate(cells) if cell in some) for some in needed]

    def extend(at: int, chosen: int, left: int) -> Iterator[int]:
        if left == 0:
            if all(chosen & mask for mask in masks):
                yield chosen
            return
        if len(cells) - at < left:
            return
        rest = chosen | (((1 << len(cells)) - 1) >> at << at)
        if not all(rest & mask for mask in masks):
            return
        yield from extend(at + 1, chosen | 1 << at, left - 1)
        yield from extend(at + 1, chosen, left)

    for chosen in extend(0, 0, cubes):
        yield frozenset(cell for at, cell in enumerate(cells) if chosen >> at & 1)


def _coloured(shape: frozenset[Cell], views: Mapping[str, View], box: Box) -> dict[Cell, str] | None:
    """The colours that views give to the cubes of a shape; None if two of them contradict each other."""
    colours = dict.fromkeys(sorted(shape), ANY)
    for name, seen in views.items():
        for cell, colour in zip(seen_cells(shape, name, box), seen, strict=True):
            if (cell is None) != (colour == EMPTY):
                return None
            if cell is None:
                continue
            if colours[cell] not in (ANY, colour):
                return None
            colours[cell] = colour
    return colours


def _hangs_together(shape: frozenset[Cell]) -> bool:
    first = next(iter(shape))
    reached, edge = {first}, [first]
    while edge:
        x, y, z = edge.pop()
        for dx, dy, dz in _STEPS:
            near = (x + dx, y + dy, z + dz)
            if near in shape and near not in reached:
                reached.add(near)
                edge.append(near)
    return len(reached) == len(shape)


def settles(cases: Sequence[Mapping[Cell, str]], asked: str, view: str, box: Box) -> bool:
    """Whether one more view leaves one answer, whatever it shows.

    It does if any two structures that look the same from it have the same answer, whatever colours they have where no view
    shows one. Two structures look the same if they can: a colour that is not known takes the other's, and one that
    neither knows stays open, the same in both.
    """
    looks = [seen_cells(case, view, box) for case in cases]
    answers = [[cell for cell in seen_cells(case, asked, box) if cell is not None] for case in cases]
    for case, seen, answer in zip(cases, looks, answers, strict=True):
        if any(case[cell] == ANY and cell not in seen for cell in answer):
            return False  # a colour that is asked stays open
    for i, one in enumerate(cases):
        for j in range(i):
            common = _common_look(one, looks[i], cases[j], looks[j])
            if common is None:
                continue
            first, second = (
                sorted(common.get((n, cell), case[cell]) for cell in answers[at])
                for n, (at, case) in enumerate(((i, one), (j, cases[j])))
            )
            if first != second:
                return False
    return True


def _common_look(
    one: Mapping[Cell, str],
    seen: Sequence[Cell | None],
    other: Mapping[Cell, str],
    other_seen: Sequence[Cell | None],
) -> dict[tuple[int, Cell], str] | None:
    """The colours of the cubes that two structures show, if these look the same; None if they cannot.

    The key is 0 or 1 for the structure, and the cell. What neither knows has the number of its line of sight for a colour.
    """
    common: dict[tuple[int, Cell], str] = {}
    for line, (cell, twin) in enumerate(zip(seen, other_seen, strict=True)):
        if (cell is None) != (twin is None):
            return None
        if cell is None or twin is None:
            continue
        known = {one[cell], other[twin]} - {ANY}
        if len(known) > 1:
            return None
        common[0, cell] = common[1, twin] = known.pop() if known else str(line)
    return common
