"""A naive second program for docs/uncertain.md: brute force over all states that agree.

Written from the page alone, by a hand that had not read the code; so are the cases of cases_part.json.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import combinations, permutations, product
from typing import Any

Answer = Any  # str, int or dict[str, int]
Cell = tuple[int, int, int]
Structure = frozenset[Cell]
Colouring = dict[Cell, str]
Look = tuple[str, ...]

COLOURS = ("red", "yellow", "blue", "green", "gray", "black")
SIDES = ("top", "bottom", "left", "right", "front", "back")
UNKNOWN = "cannot be determined"

# Cube Rolling.
# For each roll: the face on the left of the colon gets what was on the face on the right of it.
ROLLS = {
    "right": {"bottom": "right", "right": "top", "top": "left", "left": "bottom", "front": "front", "back": "back"},
    "left": {"right": "bottom", "top": "right", "left": "top", "bottom": "left", "front": "front", "back": "back"},
    "front": {"bottom": "front", "front": "top", "top": "back", "back": "bottom", "left": "left", "right": "right"},
    "back": {"front": "bottom", "top": "front", "back": "top", "bottom": "back", "left": "left", "right": "right"},
}


def all_cubes(shown: str) -> Iterator[dict[str, str]]:
    """All cubes with the faces that are shown."""
    known = dict(part.split() for part in shown.split(","))
    faces = [face for face in SIDES if face not in known]
    colours = [colour for colour in COLOURS if colour not in known.values()]
    for order in permutations(colours):
        yield known | dict(zip(faces, order, strict=True))


def answer_cube(query: dict[str, str]) -> Answer:
    """The colour of the asked face, if all cubes agree on it."""
    found = set()
    for cube in all_cubes(query["shown"]):
        for direction in query["path"].split():
            cube = {new: cube[old] for new, old in ROLLS[direction].items()}
        found.add(cube[query["face"]])
    return found.pop() if len(found) == 1 else UNKNOWN


# Moving Box.


def all_rooms(shown: str) -> Iterator[dict[tuple[int, int], str]]:
    """All rooms: each covered cell is a wall or free floor."""
    rows = [line.split() for line in shown.splitlines()]
    room = {(r, c): sign for r, row in enumerate(rows) for c, sign in enumerate(row)}
    covered = [place for place, sign in room.items() if sign == "?"]
    for signs in product("#.", repeat=len(covered)):
        yield room | dict(zip(covered, signs, strict=True))


def least_pushes(room: dict[tuple[int, int], str]) -> int | None:
    """The least number of pushes to the target (steps cost nothing, pushes cost one), or None."""
    player = next(place for place, sign in room.items() if sign in "S+")
    box = next(place for place, sign in room.items() if sign == "B")
    target = next(place for place, sign in room.items() if sign in "T+")
    queue = deque([(0, player, box)])
    done = set()
    while queue:
        pushes, player, box = queue.popleft()
        if box == target:
            return pushes
        if (player, box) in done:
            continue
        done.add((player, box))
        for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            ahead = (player[0] + dr, player[1] + dc)
            behind = (ahead[0] + dr, ahead[1] + dc)
            if ahead != box and room.get(ahead, "#") != "#":
                queue.appendleft((pushes, ahead, box))
            elif ahead == box and room.get(behind, "#") != "#":
                queue.append((pushes + 1, ahead, behind))
    return None


def answer_box(query: dict[str, str]) -> Answer:
    """The least number of pushes, if all rooms agree on it."""
    found = {least_pushes(room) for room in all_rooms(query["shown"])}
    if len(found) > 1:
        return UNKNOWN
    (value,) = found
    assert value is not None, "no room has a plan; the page says that there is no such item"
    return value


# Mental Rotation.


def sight_lines(view: str, box: Cell) -> list[list[list[Cell]]]:
    """For each row and column of a view: the cells on that line of sight, the nearest first."""
    xs, ys, zs = (list(range(size)) for size in box)
    rx, ry, rz = xs[::-1], ys[::-1], zs[::-1]
    return {
        "front": [[[(x, y, z) for z in rz] for x in xs] for y in ry],
        "back": [[[(x, y, z) for z in zs] for x in rx] for y in ry],
        "right": [[[(x, y, z) for x in rx] for z in rz] for y in ry],
        "left": [[[(x, y, z) for x in xs] for z in zs] for y in ry],
        "top": [[[(x, y, z) for y in ry] for x in xs] for z in zs],
        "bottom": [[[(x, y, z) for y in ys] for x in xs] for z in rz],
    }[view]


def flat_lines(view: str, box: Cell) -> list[list[Cell]]:
    """The lines of sight of a view, row after row."""
    return [line for row in sight_lines(view, box) for line in row]


def seen(lines: list[list[Cell]], cubes: Structure) -> list[Cell | None]:
    """The nearest cube on each line of sight, or None where there is no cube."""
    return [next((cell for cell in line if cell in cubes), None) for line in lines]


def read_views(text: str, box: Cell) -> dict[str, list[str]]:
    """The shown views, each as one list of signs, row after row."""
    views = {}
    for part in text.split("|"):
        name, _, picture = part.partition(":")
        rows = [row.split() for row in picture.split("/")]
        assert [len(row) for row in rows] == [len(row) for row in sight_lines(name.strip(), box)], part
        views[name.strip()] = [sign for row in rows for sign in row]
    return views


def read_box(text: str) -> Cell:
    """The three sizes of the bounding box."""
    x, y, z = map(int, text.split())
    return x, y, z


def hangs_together(cubes: Structure) -> bool:
    """Whether one can go from any cube to any other through faces."""
    start = next(iter(cubes))
    reached, todo = {start}, [start]
    while todo:
        x, y, z = todo.pop()
        for cell in ((x + 1, y, z), (x - 1, y, z), (x, y + 1, z), (x, y - 1, z), (x, y, z + 1), (x, y, z - 1)):
            if cell in cubes and cell not in reached:
                reached.add(cell)
                todo.append(cell)
    return len(reached) == len(cubes)


def forced_colours(cubes: Structure, shown: list[tuple[list[list[Cell]], list[str]]]) -> Colouring | None:
    """The colours that the shown views give to cubes, or None if the views do not fit."""
    colours: Colouring = {}
    for lines, signs in shown:
        for cell, sign in zip(seen(lines, cubes), signs, strict=True):
            if (cell is None) != (sign == "."):
                return None
            if cell is not None and colours.setdefault(cell, sign) != sign:
                return None
    return colours


def all_structures(query: dict[str, str]) -> list[tuple[Structure, Colouring]]:
    """All structures that agree, each with the colours of the cubes that some shown view shows."""
    box = read_box(query["box"])
    shown = [(flat_lines(name, box), signs) for name, signs in read_views(query["views"], box).items()]
    # A line of sight that shows no cube has none.
    closed = {cell for lines, signs in shown for line, sign in zip(lines, signs) if sign == "." for cell in line}
    open_cells = [cell for cell in product(*(range(size) for size in box)) if cell not in closed]
    found = []
    for chosen in combinations(open_cells, int(query["cubes"])):
        cubes = frozenset(chosen)
        colours = forced_colours(cubes, shown)
        fills_box = all({0, box[i] - 1} <= {cell[i] for cell in cubes} for i in range(3))
        if colours is not None and fills_box and hangs_together(cubes):
            found.append((cubes, colours))
    assert found, "no structure agrees with the views"
    return found


def looks(structures: list[tuple[Structure, Colouring]], box: Cell, views: list[str]) -> Iterator[tuple[Look, ...]]:
    """The looks from these views, of all structures in all colours. (Cubes that none of them sees are not coloured.)"""
    for cubes, forced in structures:
        sights = [seen(flat_lines(view, box), cubes) for view in views]
        free = sorted({cell for sight in sights for cell in sight if cell is not None and cell not in forced})
        for choice in product(COLOURS, repeat=len(free)):
            colours = forced | dict(zip(free, choice, strict=True))
            yield tuple(tuple("." if cell is None else colours[cell] for cell in sight) for sight in sights)


def count(look: Look) -> tuple[tuple[str, int], ...]:
    """How many cubes of each colour one sees."""
    return tuple((colour, look.count(colour)) for colour in COLOURS if colour in look)


def one_answer(structures: list[tuple[Structure, Colouring]], box: Cell, view: str) -> dict[str, int] | None:
    """The answer if it is the same for all structures that agree, else None."""
    found = set()
    for (look,) in looks(structures, box, [view]):
        found.add(count(look))
        if len(found) > 1:
            return None
    return dict(found.pop())


def settles(structures: list[tuple[Structure, Colouring]], box: Cell, asked: str, view: str) -> bool:
    """Whether any two structures that look the same from the view have the same answer."""
    answers: dict[Look, tuple[tuple[str, int], ...]] = {}
    for asked_look, look in looks(structures, box, [asked, view]):
        if answers.setdefault(look, count(asked_look)) != count(asked_look):
            return False
    return True


# The two functions that are asked for.


def answer(world: str, query: dict[str, str]) -> Answer:
    """The answer, or the text "cannot be determined"."""
    if world == "cube_rolling_part":
        return answer_cube(query)
    if world == "moving_box_part":
        return answer_box(query)
    found = one_answer(all_structures(query), read_box(query["box"]), query["view"])
    return UNKNOWN if found is None else found


def settling(query: dict[str, str]) -> frozenset[str]:
    """The views that would settle a Mental Rotation problem; empty if it can be answered."""
    box, asked = read_box(query["box"]), query["view"]
    structures = all_structures(query)
    if one_answer(structures, box, asked) is not None:
        return frozenset()
    others = [side for side in SIDES if side != asked and side not in read_views(query["views"], box)]
    return frozenset(side for side in others if settles(structures, box, asked, side))
