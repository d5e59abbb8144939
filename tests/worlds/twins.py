"""The twins of a problem: the same puzzle turned, mirrored, renumbered or written otherwise, made without idf's own code.

Each comes with the answer that it has if the problem's answer is known, so that a twin that is none is found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

from idf.worlds import Problem
from idf.worlds.cube_rolling import FACES as SIDES
from tests.worlds import reference_rubiks_cube as rubiks
from tests.worlds.reference_geometry import OUTWARD, Matrix, Vector, cross, dot, rotated

UNITS = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
ISOMETRIES: list[Matrix] = [
    tuple(tuple(sign * c for c in axis) for sign, axis in zip(signs, axes, strict=True))
    for axes in permutations(UNITS)
    for signs in product((1, -1), repeat=3)
]
"""The 48 ways to map a cube onto itself."""
ROTATIONS = [m for m in ISOMETRIES if cross(m[0], m[1]) == m[2]]
"""The 24 of them that can be done with a real cube."""
BOARD_SYMMETRIES = [m for m in ISOMETRIES if rotated(m, OUTWARD["top"]) == OUTWARD["top"]]
"""The eight that leave a board on the floor where it is."""
assert (len(ISOMETRIES), len(ROTATIONS), len(BOARD_SYMMETRIES)) == (48, 24, 8)


def side(vector: Vector) -> str:
    return next(name for name, outward in OUTWARD.items() if outward == vector)


def rolling(problem: Problem, colour: str) -> Iterator[tuple[Problem, str]]:
    """The board turned and mirrored, with the path and the cube on it. The colour that is asked stays the same."""
    for matrix in BOARD_SYMMETRIES:
        becomes = {name: side(rotated(matrix, outward)) for name, outward in OUTWARD.items()}
        painted = {becomes[name]: paint for name, paint in zip(SIDES, problem.start.colours, strict=True)}
        cells = []
        for x, z in problem.start.cells:
            x, _, z = rotated(matrix, (x - 4.5, 0, z - 4.5))  # about the middle of the 10 x 10 board
            cells.append((int(x + 4.5), int(z + 4.5)))
        start = problem.start._replace(colours=tuple(painted[name] for name in SIDES), cells=tuple(cells))
        path = " ".join(becomes[way] for way in problem.query.path.split())
        query = problem.query._replace(path=path, face=becomes[problem.query.face])
        yield Problem(problem.world, problem.difficulty, start, query), colour


def rotation(problem: Problem, counts: dict[str, int]) -> Iterator[tuple[Problem, dict[str, int]]]:
    """The structure in all orientations, about each of its cubes. The side that is asked turns with it."""
    for matrix in ROTATIONS:
        cubes = [(rotated(matrix, cell), colour) for cell, colour in problem.start]
        query = problem.query._replace(view=side(rotated(matrix, OUTWARD[problem.query.view])))
        for origin, _ in cubes:
            moved = tuple(sorted((tuple(a - b for a, b in zip(cell, origin)), colour) for cell, colour in cubes))
            yield Problem(problem.world, problem.difficulty, moved, query), counts


def box(problem: Problem, plan: tuple[str, ...]) -> Iterator[tuple[Problem, tuple[str, ...]]]:
    """The room turned and mirrored, and the plan with it."""
    room = problem.start
    last_row, last_column = len(room.walls) - 1, len(room.walls[0]) - 1
    for transpose, upside_down, left_right in product((False, True), repeat=3):

        def image(cell: tuple[int, int], by=(transpose, upside_down, left_right)) -> tuple[int, int]:
            row, column = cell
            row, column = last_row - row if by[1] else row, last_column - column if by[2] else column
            return (column, row) if by[0] else (row, column)

        size = (last_column + 1, last_row + 1) if transpose else (last_row + 1, last_column + 1)
        symbols = {image((r, c)): symbol for r, row in enumerate(room.walls) for c, symbol in enumerate(row)}
        walls = tuple("".join(symbols[r, c] for c in range(size[1])) for r in range(size[0]))
        ways = {"u": "d" if upside_down else "u", "l": "r" if left_right else "l"}
        ways |= {"d": {"u": "d", "d": "u"}[ways["u"]], "r": {"l": "r", "r": "l"}[ways["l"]]}
        if transpose:
            ways = {way: {"u": "l", "l": "u", "d": "r", "r": "d"}[to] for way, to in ways.items()}
        start = room._replace(walls=walls, player=image(room.player), box=image(room.box), target=image(room.target))
        yield Problem(problem.world, problem.difficulty, start, problem.query), tuple(ways[way] for way in plan)


FACE_MAPS = [
    {
        letter: next(to for to in rubiks.LETTERS if rubiks.normal(to) == rotated(matrix, rubiks.normal(letter)))
        for letter in rubiks.LETTERS
    }
    for matrix in ROTATIONS
]
"""For each of `ROTATIONS`: the face of a Rubik's cube that each face becomes."""


def turning(problem: Problem) -> Iterator[Problem]:
    """The whole solved cube held otherwise, and the moves with it. (A square of a face is asked elsewhere: no answer.)"""
    for to in FACE_MAPS:
        middle = {to[letter]: problem.start[9 * i + 4] for i, letter in enumerate(rubiks.LETTERS)}
        start = bytes(middle[letter] for letter in rubiks.LETTERS for _ in range(9))
        moves = " ".join(to[move[0]] + move[1:] for move in problem.query.moves.split())
        yield Problem(problem.world, problem.difficulty, start, problem.query._replace(moves=moves))


SAME_SHAPE = ("1", "2389", "45", "67")


def renumberings() -> Iterator[dict[int, int]]:
    """The 96 ways to exchange the numbers of blocks of one shape, as tables for `str.translate`."""
    for orders in product(*(permutations(group) for group in SAME_SHAPE)):
        yield str.maketrans("".join(SAME_SHAPE), "".join("".join(order) for order in orders))


def mirrored(board: str, upside_down: bool, left_right: bool) -> str:
    """A board as `WoodSlide.write` writes it."""
    rows = board.split("/")
    return "/".join(row[::-1] if left_right else row for row in (rows[::-1] if upside_down else rows))


def sliding(start: str, target: str) -> Iterator[tuple[str, str]]:
    """Start and target mirrored and exchanged; renumber them for all 768 twins."""
    for mirror in product((False, True), repeat=2):
        here, there = mirrored(start, *mirror), mirrored(target, *mirror)
        yield from ((here, there), (there, here))


def rotated_stickers(stickers: rubiks.Stickers, matrix: Matrix) -> rubiks.Stickers:
    return {(rotated(matrix, cubie), rotated(matrix, n)): colour for (cubie, n), colour in stickers.items()}


assert all(
    dot(rubiks.normal(a), rubiks.normal(b)) == dot(rubiks.normal(to[a]), rubiks.normal(to[b]))
    for to in FACE_MAPS
    for a in to
    for b in to
)
