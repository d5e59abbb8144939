"""Mental Rotation: coloured unit cubes stuck face to face; which of them does one see from a side?

Source: the rules stated in SpatiaLite's Mental Rotation questions. Axes: x to the right, y up, z to the front.
From a side, each column along the line of sight shows the cube nearest to the viewer, and only that one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from itertools import permutations, product
from typing import NamedTuple

from idf.answers import AnswerKind, plain_colours
from idf.answers.colour_counts import ColourCounts

from ._cells import read_columns, read_cubes, read_sights
from ._described import DescribedWorld
from ._facts import Conventions, Fact
from ._reading import read_words
from ._rng import Rng
from ._symmetry import QUARTER_TURNS, carried
from ._world import IllegalAction, Keys, Problem, Scene, Walk

COLOURS = ("red", "yellow", "blue", "green", "gray", "black")
VIEWS = ("front", "back", "top", "bottom", "left", "right")

Cell = tuple[int, int, int]
Structure = tuple[tuple[Cell, str], ...]
"""(cell, colour) pairs in the order of their cells. The origin is always occupied."""

# The direction from the structure towards a viewer at each side.
TOWARDS = {
    "front": (0, 0, 1),
    "back": (0, 0, -1),
    "top": (0, 1, 0),
    "bottom": (0, -1, 0),
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
}
# A quarter turn of the whole structure, named by the side that it brings to the front.
TURNS: dict[str, Callable[[int, int, int], Cell]] = {
    "left": lambda x, y, z: (z, y, -x),
    "right": lambda x, y, z: (-z, y, x),
    "top": lambda x, y, z: (x, -z, y),
    "bottom": lambda x, y, z: (x, z, -y),
}
TO_FRONT = {
    "front": (),
    "back": ("left", "left"),
    "left": ("left",),
    "right": ("right",),
    "top": ("top",),
    "bottom": ("bottom",),
}
_TURNED = re.compile(
    r"\b(?:turn(?:s|ing|ed)?|rotat(?:e|es|ing|ed|ion))(?: (?:it|the|structure|whole|so|that|to|towards?|by|bringing"
    r"|brings|side|quarter|once|again|\d+))*"
    r"[ :(,-]*\b(left|right|top|bottom)\b"
)
MOST_CUBES = 13
REACH = 4  # no cell further than this from the origin along an axis: the pictures show no more


class Query(NamedTuple):
    """Which cubes are seen from the side `view`."""

    view: str


class MentalRotation(DescribedWorld[Structure, Query]):
    """The world of cube structures. A walk turns the structure; a state is where every cube is after the turn."""

    name = "mental_rotation"
    version = 2
    query_type = Query
    colours = COLOURS
    answers = (ColourCounts(COLOURS),)
    actions = tuple(TURNS)
    look = "Write the colour and the cell (x,y,z) of every cube, in the order of their cells."
    always_legal = True
    steps_at_once = True
    bins = {"easy": range(2, 6), "medium": range(6, 9), "hard": range(9, MOST_CUBES + 1)}
    rule = (
        "A structure of coloured unit cubes is turned by quarter turns about the origin; a turn is named by the side "
        "that it brings to the front. Axes: x to the right, y up, z to the front. Write the cell (x,y,z) of every cube "
        "after every turn."
    )

    def draw(self, rng: Rng, difficulty: str) -> Structure:
        """A structure grown from the origin, each cube on a random free face; colours cycle through a shuffle.

        It has three cubes at least: of two there are only 15 different ones, and the benchmark asks most of them.
        """
        n = rng.choice(range(max(3, self.sizes(difficulty)[0]), self.sizes(difficulty)[-1] + 1))
        cells: list[Cell] = [(0, 0, 0)]
        while len(cells) < n:
            frontier = sorted({near for cell in cells for near in _neighbours(cell)} - set(cells))
            cells.append(rng.choice([cell for cell in frontier if max(map(abs, cell)) <= REACH]))
        colours = rng.shuffled(COLOURS)
        return tuple(sorted((cell, colours[i % 6]) for i, cell in enumerate(cells)))

    def legal_actions(self, state: Structure) -> tuple[str, ...]:
        return tuple(TURNS)

    def step(self, state: Structure, action: str) -> Structure:
        if action not in TURNS:
            raise IllegalAction(f"a turn brings the left, right, top or bottom side to the front, not {action!r}")
        return _turned(state, TURNS[action])

    def write(self, state: Structure) -> str:
        return "; ".join(f"{colour} ({x},{y},{z})" for (x, y, z), colour in state)

    def read_line(self, text: str) -> Structure | None:
        """Cubes in any order, all as "red (0,0,1)" or all as "(0,0,1) red"."""
        words = read_words(plain_colours(text))
        cubes = []
        for at in range(0, len(words), 4):
            *cell, colour = words[at : at + 4] if words[0] not in COLOURS else [*words[at + 1 : at + 4], words[at]]
            if colour not in COLOURS or len(cell) != 3 or not all(re.fullmatch("-?[0-9]{1,3}", n) for n in cell):
                return None
            cubes.append(((int(cell[0]), int(cell[1]), int(cell[2])), colour))
        return tuple(sorted(cubes)) or None

    def facts(self, state: Structure) -> Mapping[Hashable, Hashable]:
        """Cell -> colour; and of each column that one looks along, the colour that is seen: ("column", x, y)."""
        seen: dict[Hashable, Hashable] = {("column", x, y): colour for (x, y, _), colour in visible(state, "front")}
        seen.update(state)
        return seen

    def cells(self, state: Structure) -> Mapping[Hashable, Hashable]:
        return dict(state)

    def asked_facts(self, problem: Problem[Structure, Query]) -> Mapping[Hashable, frozenset[Hashable]]:
        """Columns of the view that is asked, seen without a turn: in any order of the two axes across it, with any sign."""
        axis = next(i for i in range(3) if TOWARDS[problem.query.view][i])
        found: dict[Hashable, frozenset[Hashable]] = {}
        for cell, colour in visible(problem.start, problem.query.view):
            a, b = (cell[i] for i in range(3) if i != axis)
            for pair in {(s * u, t * v) for u, v in ((a, b), (b, a)) for s in (1, -1) for t in (1, -1)}:
                slot = ("column", *pair)
                found[slot] = found.get(slot, frozenset()) | {colour}
        seen = visible(problem.start, problem.query.view)
        for cube in problem.start:
            sight = ("sight", cube[1])
            found[sight] = found.get(sight, frozenset()) | {"visible" if cube in seen else "hidden"}
        return found

    def sights(self, problem: Problem[Structure, Query]) -> frozenset[tuple[Hashable, ...]]:
        """The cubes that are seen: each by its cell or by its colour."""
        return frozenset((cell, ("sight", colour)) for cell, colour in visible(problem.start, problem.query.view))

    def read_facts(self, text: str, conventions: Conventions) -> list[Fact]:
        return [*read_cubes(text, conventions), *read_columns(text), *read_sights(text)]

    def read_moves(self, text: str) -> list[str]:
        return [match[1] for match in _TURNED.finditer(text)]

    def shows_all(self, scene: Scene) -> bool:
        """Not a cube that others enclose: no panel shows its colour."""
        occupied = {cell for cell, _ in scene.start}
        return not any(occupied.issuperset(_neighbours(cell)) for cell in occupied)

    def read(self, text: str) -> Structure:
        cubes: dict[Cell, str] = {}
        for part in text.split(";"):
            match = re.fullmatch(r"(\w+) \((-?[0-9]+),(-?[0-9]+),(-?[0-9]+)\)", part.strip())
            if not match:
                raise ValueError(f"not a cube: {part.strip()!r} (write it like 'red (0,0,1)')")
            cell = (int(match[2]), int(match[3]), int(match[4]))
            if cell in cubes:
                raise ValueError(f"two cubes in cell {cell}")
            cubes[cell] = match[1]
        return structure(cubes)

    def pose(self, rng: Rng, difficulty: str) -> Problem[Structure, Query]:
        return Problem(self.name, difficulty, self.draw(rng, difficulty), Query(rng.choice(VIEWS)))

    def size(self, problem: Problem[Structure, Query]) -> int:
        return len(problem.start)

    def _question(self, problem: Problem[Structure, Query], *, short: bool, described: bool) -> str:
        view = problem.query.view
        cubes = f"Cubes: {self.write(problem.start)}. " if described else "The cubes are shown in the picture. "
        asked = f"How many cubes are visible from the {view}, and how many of each colour?"
        if short:
            return cubes + asked
        return (
            "A structure is built of coloured unit cubes that touch face to face. Cells are written (x,y,z): x grows to "
            "the right, y upwards, z to the front. "
            f"{'' if described else 'The picture shows it from eight corners, with the six directions marked. '}{cubes}"
            "You look straight at it from one side. Along each line of sight only the cube nearest to you is visible: "
            "it hides those behind it, so a hidden cube does not count. "
            f"{asked}"
        )

    def answer(self, problem: Problem[Structure, Query]) -> AnswerKind:
        return ColourCounts(COLOURS, asked=(problem.query.view,))

    def read_off(self, state: Structure, query: Query) -> dict[str, int]:
        """What the front shows: the last turn has brought the asked side there."""
        return colour_counts(visible(state, "front"))

    def _says_truth(self, problem: Problem[Structure, Query]) -> str:
        return f"visible are {counts_text(self.truth(problem))}"

    def solve(self, problem: Problem[Structure, Query]) -> tuple[str, ...]:
        return TO_FRONT[problem.query.view]

    def initial(self, problem: Problem[Structure, Query]) -> dict[str, int]:
        return colour_counts(problem.start)

    def narrate(self, problem: Problem[Structure, Query]) -> str:
        turns = self.solve(problem)
        front = self.replay(problem.start, turns)[-1]
        return f"{self.unroll(problem.start, turns)}\n{_columns_text(front)}"

    def keys(self, scene: Scene) -> Keys:
        """A structure is the same in all its 24 orientations, and whichever of its cubes is at the origin."""
        start, turns = self.course(scene)
        asked = scene.query.view if isinstance(scene, Problem) else f"{' '.join(turns)} | {scene.question}"
        images = orientations(start)
        shape = min([cell for cell, _ in image] for image in images)
        return Keys(
            exact=f"{self.write(start)} | {asked}",
            canonical=self.write(min(images)),
            skeleton=" ".join(f"{x},{y},{z}" for x, y, z in shape),
        )

    def images(self, problem: Problem[Structure, Query]) -> list[Problem[Structure, Query]]:
        """The structure as one sees it who walks around it; a mirror image would be another structure."""
        found = []
        for to in QUARTER_TURNS:
            turned = [(carried(x, z, to), y, colour) for (x, y, z), colour in problem.start]
            start = tuple(sorted(((x, y, z), colour) for (x, z), y, colour in turned))
            found.append(replace(problem, start=start, query=Query(to.get(problem.query.view, problem.query.view))))
        return found

    def measure(self, scene: Scene) -> dict[str, int]:
        start, turns = self.course(scene)
        seen = visible(self.replay(start, turns)[-1], "front")
        return {"cubes": len(start), "hidden": len(start) - len(seen), "turns": len(turns)}

    def wander(self, rng: Rng, difficulty: str) -> Walk[Structure]:
        start = self.draw(rng, difficulty)
        turns: list[str] = []
        undo = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
        for _ in range(1 + rng.below(3)):
            turns.append(rng.choice([turn for turn in TURNS if not turns or turn != undo[turns[-1]]]))
        end = self.replay(start, turns)[-1]
        answer, initial = (counts_text(colour_counts(visible(state, "front"))) for state in (end, start))
        question = "How many cubes are visible from the front at the end, and how many of each colour?"
        return Walk(self.name, difficulty, start, tuple(turns), question, _columns_text(end), answer, initial)


def structure(cubes: dict[Cell, str]) -> Structure:
    """A checked structure.

    Raises:
        ValueError: A colour is unknown, there are too many cubes, the origin is free, or not all hang together.
    """
    for cell, colour in cubes.items():
        if colour not in COLOURS:
            raise ValueError(f"unknown colour {colour!r} in cell {cell}: use one of {', '.join(COLOURS)}")
        if max(map(abs, cell)) > REACH:
            raise ValueError(f"cell {cell} lies further than {REACH} from the origin")
    if not 1 <= len(cubes) <= MOST_CUBES:
        raise ValueError(f"a structure has 1 to {MOST_CUBES} cubes, not {len(cubes)}")
    if (0, 0, 0) not in cubes:
        raise ValueError("no cube in cell (0,0,0), where every structure begins")
    reached, edge = {(0, 0, 0)}, [(0, 0, 0)]
    while edge:
        new = [near for near in _neighbours(edge.pop()) if near in cubes and near not in reached]
        reached.update(new)
        edge.extend(new)
    if loose := sorted(set(cubes) - reached):
        raise ValueError(f"the cube in cell {loose[0]} does not hang together face to face with the origin")
    return tuple(sorted(cubes.items()))


def _proper(order: tuple[int, ...], flips: tuple[int, ...]) -> bool:
    """Whether taking the axes in this order and flipping some of them is a turn, and not a mirror image."""
    swaps = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    return (swaps + sum(flips)) % 2 == 0


# The 24 orientations: which axis becomes x, y and z, and whether it is flipped.
_ORIENTATIONS = [
    tuple(zip(order, flips, strict=True))
    for order in permutations(range(3))
    for flips in product((0, 1), repeat=3)
    if _proper(order, flips)
]


def orientations(state: Structure) -> list[Structure]:
    """A structure in all its 24 orientations, each moved to where its least x, y and z are 0. No walk leaves them."""
    colours = [colour for _, colour in state]
    along = []  # for each axis, the coordinates of all cubes from its one end and from its other
    for numbers in zip(*(cell for cell, _ in state), strict=True):
        low, high = min(numbers), max(numbers)
        along.append(([n - low for n in numbers], [high - n for n in numbers]))
    return [
        tuple(sorted(zip(zip(*(along[axis][flip] for axis, flip in orientation)), colours, strict=True)))
        for orientation in _ORIENTATIONS
    ]


def _turned(state: Structure, turn: Callable[[int, int, int], Cell]) -> Structure:
    return tuple(sorted((turn(*cell), colour) for cell, colour in state))


def visible(state: Structure, view: str) -> Structure:
    """The cubes that are seen from a side: in each column along the line of sight, the one nearest to the viewer."""
    towards = TOWARDS[view]
    axis = next(i for i in range(3) if towards[i])
    nearest: dict[tuple[int, int], tuple[Cell, str]] = {}
    for cube in state:
        cell = cube[0]
        column = (cell[(axis + 1) % 3], cell[(axis + 2) % 3])
        if column not in nearest or towards[axis] * (cell[axis] - nearest[column][0][axis]) > 0:
            nearest[column] = cube
    return tuple(sorted(nearest.values()))


def colour_counts(cubes: Structure) -> dict[str, int]:
    """How many cubes have each colour, in the order of COLOURS; colours without a cube are left out."""
    colours = [colour for _, colour in cubes]
    return {colour: colours.count(colour) for colour in COLOURS if colour in colours}


def counts_text(counts: dict[str, int]) -> str:
    """Colour counts in the form of an answer: "3 cubes: red 2, blue 1"."""
    return MentalRotation.answers[0].write(counts)


def _columns_text(state: Structure) -> str:
    """What each column shows from the front, and what it hides."""
    lines = []
    for (x, y, _), colour in visible(state, "front"):
        hidden = [other for (ox, oy, _), other in reversed(state) if (ox, oy) == (x, y)][1:]
        lines.append(f"({x},{y}): {colour}" + (f" hides {' '.join(hidden)}" if hidden else ""))
    return "\n".join(lines)


def _neighbours(cell: Cell) -> list[Cell]:
    x, y, z = cell
    return [(x + dx, y + dy, z + dz) for dx, dy, dz in TOWARDS.values()]


WORLD = MentalRotation()
