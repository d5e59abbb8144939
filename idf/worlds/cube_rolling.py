"""Cube Rolling: a cube with six colours rolls over a board; which colour does a face show at the end?

Source: the rules stated in SpatiaLite's Cube Rolling questions; replaying them gives all published answers.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import NamedTuple

from idf.answers import AnswerKind, plain_colours
from idf.answers.colour import Colour

from ._boards import within
from ._described import DescribedWorld
from ._faces import is_net_row, read_faces, read_net
from ._facts import Conventions, Fact
from ._reading import read_words
from ._rng import Rng
from ._symmetry import SYMMETRIES, WAYS, carried
from ._world import IllegalAction, Keys, Problem, Scene, Walk

FACES = ("top", "bottom", "left", "right", "front", "back")
HIDDEN = ("bottom", "left", "back")  # the faces that a picture of the start does not show
COLOURS = ("red", "yellow", "blue", "green", "gray", "black")

# After rolling one way, each face shows the colour that this face showed before.
SHOWS = {
    "right": ("left", "right", "bottom", "top", "front", "back"),
    "left": ("right", "left", "top", "bottom", "front", "back"),
    "front": ("back", "front", "left", "right", "top", "bottom"),
    "back": ("front", "back", "left", "right", "bottom", "top"),
}
_INDICES = {way: tuple(FACES.index(face) for face in shown) for way, shown in SHOWS.items()}

# How a roll is told: "rolls to the right", "rolling it forward"
_TOWARDS = {way: way for way in SHOWS} | {
    "forward": "front",
    "forwards": "front",
    "backward": "back",
    "backwards": "back",
}
_ROLLS = re.compile(
    r"\b(?:roll(?:s|ing|ed)?|tip(?:s|ping|ped)?)(?: (?:it|the|cube|once|again|over|one|cell|step|to|towards?|number"
    r"|\d+|is|goes))*"
    rf"[ :(,-]*\b({'|'.join(_TOWARDS)})\b(?! face)"
)

SHIFT = WAYS  # one roll moves the cube by one cell
BOARD = 10
CORNER = (0, 0)  # back left, where every published path starts


class Cube(NamedTuple):
    """A cube on the board.

    Attributes:
        colours: Six colour names, in the order of FACES.
        cells: The (x, z) cells visited so far, the present one last; 0 <= x, z < 10.
    """

    colours: tuple[str, ...]
    cells: tuple[tuple[int, int], ...]


class Query(NamedTuple):
    """Which colour `face` shows after the rolls of `path` (words separated by blanks)."""

    path: str
    face: str


class CubeRolling(DescribedWorld[Cube, Query]):
    """The world of the rolling cube; its paths never visit a cell twice."""

    name = "cube_rolling"
    version = 2
    query_type = Query
    colours = COLOURS
    answers = (Colour(COLOURS),)
    actions = tuple(SHIFT)
    look = "Write the path, roll by roll, then the colours that the top, front and right faces show."
    recall = "Write the colours that the faces show now, in the order top, bottom, left, right, front, back."
    inside = (
        "You see the board around the cube, its back at the top: C is the cube, o a cell that it has visited, . another cell, "
        "? one out of sight."
    )
    clean_level = "skeleton"  # a published path stays published, whatever the colours
    bins = {"easy": range(1, 6), "medium": range(6, 11), "hard": range(11, 16)}
    rule = (
        "A cube rolls over a board, one cell at a time, to the right, left, front (towards you) or back. "
        "Write its face colours after every roll in the order top, bottom, left, right, front, back."
    )

    def draw(self, rng: Rng, difficulty: str) -> Cube:
        return Cube(tuple(rng.shuffled(COLOURS)), (CORNER,))

    def rest(self, state: Cube) -> Cube:
        return state._replace(cells=state.cells[-1:])

    def see(self, scene: Scene) -> str:
        start, rolls = self.course(scene)
        faces = ", ".join(f"{face} {start.colours[FACES.index(face)]}" for face in ("top", "front", "right"))
        return f"Path: {' '.join(rolls)}\nFaces: {faces}"

    def glimpse(self, state: Cube, radius: int) -> str:
        """The board from above, its back row first."""
        signs = {**dict.fromkeys(state.cells, "o"), state.cells[-1]: "C"}
        x, z = state.cells[-1]
        return within(["".join(signs.get((u, v), ".") for u in range(BOARD)) for v in range(BOARD)], (z, x), radius)

    def legal_actions(self, state: Cube) -> tuple[str, ...]:
        return tuple(way for way in SHIFT if self._broken_rule(state, way) is None)

    def step(self, state: Cube, action: str) -> Cube:
        if broken := self._broken_rule(state, action):
            raise IllegalAction(broken)
        colours = tuple(state.colours[i] for i in _INDICES[action])
        return Cube(colours, (*state.cells, _next_cell(state, action)))

    def _broken_rule(self, state: Cube, action: str) -> str | None:
        if action not in SHIFT:
            return f"a cube rolls right, left, front or back, not {action!r}"
        x, z = _next_cell(state, action)
        if not (0 <= x < BOARD and 0 <= z < BOARD):
            return f"rolling {action} from cell {state.cells[-1]} leaves the {BOARD} x {BOARD} board"
        if (x, z) in state.cells:
            return f"rolling {action} would visit cell {(x, z)} again: a path may not cross itself"
        return None

    def write(self, state: Cube) -> str:
        return f"{self.line(state)} at {' '.join(f'{x},{z}' for x, z in state.cells)}"

    def line(self, state: Cube) -> str:
        return " ".join(state.colours)

    def read_line(self, text: str) -> tuple[str, ...] | None:
        """Six colours in the order of FACES, or each after the name of its face."""
        if net := read_net(text):
            return net
        words = read_words(plain_colours(text))
        if len(words) == 12 and set(words[::2]) == set(FACES):
            named = dict(zip(words[::2], words[1::2]))
            words = [named[face] for face in FACES]
        return tuple(words) if len(words) == 6 and set(words) <= set(COLOURS) else None

    def facts(self, state: Cube) -> Mapping[Hashable, Hashable]:
        return dict(zip(FACES, state.colours, strict=True))

    def read_facts(self, text: str, conventions: Conventions) -> list[Fact]:
        return read_faces(text, conventions)

    def whole(self, facts: Mapping[Hashable, Hashable]) -> Hashable | None:
        return tuple(facts[face] for face in FACES) if all(face in facts for face in FACES) else None

    def read_moves(self, text: str) -> list[str]:
        return [_TOWARDS[match[1]] for match in _ROLLS.finditer(text)]

    def is_row(self, line: str) -> bool:
        return is_net_row(line)

    def things(self) -> Mapping[str, frozenset[Hashable]]:
        named = {face: frozenset[Hashable]((face,)) for face in FACES}
        return named | {face[0]: slots for face, slots in named.items() if face[0] != "b"}

    def describe(self, state: Cube, *, pictured: bool) -> str:
        if not pictured:
            return self.line(state)
        hidden = ", ".join(f"{face} {state.colours[FACES.index(face)]}" for face in HIDDEN)
        return f"{hidden}, the rest as in the picture"

    def read(self, text: str) -> Cube:
        match = re.fullmatch(r"(\w+(?: \w+){5}) at ([0-9],[0-9](?: [0-9],[0-9])*)", text.strip())
        if not match:
            raise ValueError(f"not a cube: {text!r} (six colours, 'at', then cells such as 0,0 1,0)")
        colours = tuple(match[1].split())
        if sorted(colours) != sorted(COLOURS):
            raise ValueError(f"a cube shows each of {', '.join(COLOURS)} once, not {match[1]!r}")
        cells = tuple((int(cell[0]), int(cell[2])) for cell in match[2].split())
        for (x0, z0), (x1, z1) in zip(cells, cells[1:]):
            if abs(x1 - x0) + abs(z1 - z0) != 1:
                raise ValueError(f"the cells {x0},{z0} and {x1},{z1} of a path are not side by side")
        if len(set(cells)) != len(cells):
            raise ValueError(f"a path visits no cell twice: {match[2]!r}")
        return Cube(colours, cells)

    def pose(self, rng: Rng, difficulty: str) -> Problem[Cube, Query]:
        return self._pose(rng, difficulty, self.draw(rng, difficulty))

    def _pose(self, rng: Rng, difficulty: str, start: Cube) -> Problem[Cube, Query]:
        path = self._path(rng, start, rng.choice(self.sizes(difficulty)))
        return Problem(self.name, difficulty, start, Query(" ".join(path), rng.choice(FACES)))

    def _path(self, rng: Rng, start: Cube, length: int) -> tuple[str, ...]:
        """A random self-avoiding path; one that runs into a dead end is begun again."""
        while True:
            state, path = start, list[str]()
            while len(path) < length and (legal := self.legal_actions(state)):
                path.append(rng.choice(legal))
                state = self.step(state, path[-1])
            if len(path) == length:
                return tuple(path)

    def size(self, problem: Problem[Cube, Query]) -> int:
        return len(problem.query.path.split())

    def _question(self, problem: Problem[Cube, Query], *, short: bool, described: bool) -> str:
        path, face = problem.query
        # The picture shows the path and the top, front and right face: what it hides is said in every mode.
        shown = FACES if described else HIDDEN
        colours = ", ".join(f"{name} {problem.start.colours[FACES.index(name)]}" for name in shown)
        rolls = ", ".join(path.split()) if described else "along the path in the picture"
        if short:
            return f"Cube: {colours}. It rolls {rolls}. Which colour is the {face} face?"
        return (
            "A cube with six differently coloured faces stands on a board and rolls over its edges from cell to cell, "
            "without slipping or turning. Rolling to the right, the right face becomes the bottom, the top becomes the "
            "right, the left becomes the top and the bottom becomes the left; front and back stay. Rolling to the left, "
            "front (towards the viewer) or back works in the same way. "
            f"At the beginning the faces are: {colours}"
            f"{'' if described else ' (the other three are seen in the picture)'}. "
            f"The cube rolls {rolls}. Which colour does the {face} face show at the end?"
        )

    def answer(self, problem: Problem[Cube, Query]) -> AnswerKind:
        return Colour(COLOURS, asked=(problem.query.face,))

    def read_off(self, state: Cube, query: Query) -> str:
        return state.colours[FACES.index(query.face)]

    def _says_truth(self, problem: Problem[Cube, Query]) -> str:
        return f"the {problem.query.face} face is {self.truth(problem)}"

    def solve(self, problem: Problem[Cube, Query]) -> tuple[str, ...]:
        return tuple(problem.query.path.split())

    def narrate(self, problem: Problem[Cube, Query]) -> str:
        rolls = self.solve(problem)
        return f"{self.unroll(problem.start, rolls)}\n{_read_off(self.replay(problem.start, rolls)[-1], problem.query.face)}"

    def whereabouts(self, state: Cube) -> str:
        x, z = state.cells[-1]
        return (
            f". The cube stands on cell ({x}, {z}) of a {BOARD} x {BOARD} board, counted from the back left, x to the right "
            "and z to the front. No cell may be visited twice."
        )

    def shows_all(self, scene: Scene) -> bool:
        """Not the cells that the cube stands in front of: those one or two further back, and beside them."""
        start, rolls = self.course(scene)
        x, z = start.cells[-1]
        path = self.replay(start, rolls)[-1].cells
        return not any(abs(u - x) <= 1 and 1 <= z - v <= 2 for u, v in path)

    def asked(self, problem: Problem[Cube, Query]) -> str:
        return problem.query.face

    def keys(self, scene: Scene) -> Keys:
        """A board turned by quarters or mirrored, with the cube on it, is the same puzzle, wherever on it the path begins.

        (Of paths from the corner, only the image at the diagonal begins in that corner again.)
        """
        start, rolls = self.course(scene)
        asked = scene.query.face if isinstance(scene, Problem) else scene.question
        images = []
        for to in SYMMETRIES:
            colours = {to.get(face, face): colour for face, colour in zip(FACES, start.colours, strict=True)}
            images.append((" ".join(to[roll] for roll in rolls), " ".join(colours[face] for face in FACES)))
        path, painted = max(images)  # the one that begins with "right"
        return Keys(
            exact=f"{self.write(start)} | {' '.join(rolls)} | {asked}",
            canonical=f"{path} | {painted}",
            skeleton=path,
        )

    def images(self, problem: Problem[Cube, Query]) -> list[Problem[Cube, Query]]:
        """On a board that is turned by quarters or mirrored, where the picture still shows the whole path."""
        (colours, cells), (path, face) = problem.start, problem.query
        found = []
        for to in SYMMETRIES:
            shown = {to.get(name, name): colour for name, colour in zip(FACES, colours, strict=True)}
            # Cells are carried about the middle of the board, in halves of a cell.
            moved = [carried(2 * x - BOARD + 1, 2 * z - BOARD + 1, to) for x, z in cells]
            start = Cube(
                tuple(shown[name] for name in FACES),
                tuple(((x + BOARD - 1) // 2, (z + BOARD - 1) // 2) for x, z in moved),
            )
            query = Query(" ".join(to[way] for way in path.split()), to.get(face, face))
            found.append(replace(problem, start=start, query=query))
        return [image for image in found if self.shows_all(image)]

    def measure(self, scene: Scene) -> dict[str, int]:
        start, rolls = self.course(scene)
        cells = self.replay(start, rolls)[-1].cells
        neighbours = sum(abs(x - u) + abs(z - v) == 1 for i, (x, z) in enumerate(cells) for u, v in cells[:i])
        return {
            "rolls": len(rolls),
            "turns": sum(a != b for a, b in zip(rolls, rolls[1:])),
            "contacts": neighbours - len(rolls),  # places where the path runs beside itself
        }

    def wander(self, rng: Rng, difficulty: str) -> Walk[Cube]:
        """A random path, from the corner in one walk of two and from any cell in the other.

        From the corner there are only 2, 4, 10, 24, 60 paths of one to five rolls, all of them to the right or front first.
        """
        start = self.draw(rng, difficulty)
        if rng.chance(0.5):
            start = start._replace(cells=((rng.below(BOARD), rng.below(BOARD)),))
        problem = self._pose(rng, difficulty, start)
        question = f"Which colour is the {problem.query.face} face now?"
        rolls = self.solve(problem)
        reading = _read_off(self.replay(start, rolls)[-1], problem.query.face)
        return Walk(self.name, difficulty, start, rolls, question, reading, self.truth(problem), self.initial(problem))


def _read_off(end: Cube, face: str) -> str:
    """The last state with the names of its faces, then the face that is asked."""
    named = ", ".join(f"{name} {colour}" for name, colour in zip(FACES, end.colours, strict=True))
    return f"End: {named}\nLook at the {face}: {face} {end.colours[FACES.index(face)]}"


def _next_cell(state: Cube, action: str) -> tuple[int, int]:
    (x, z), (dx, dz) = state.cells[-1], SHIFT[action]
    return x + dx, z + dz


WORLD = CubeRolling()
