"""Cube rolling as a rigid body: a unit cube with six painted normals tips over the edge it stands on."""

from __future__ import annotations

from tests.worlds.reference_geometry import OUTWARD, quarter_turn_that_brings, rotated

BOARD = 10
ROLLS = ("right", "left", "front", "back")


class RigidCube:
    """A cube whose lower face lies on the plane y = 0; cell (i, j) of the board is the square [i, i+1] x [j, j+1]."""

    def __init__(self, colours: dict[str, str], cell: tuple[int, int]):
        self.paint = {OUTWARD[face]: colour for face, colour in colours.items()}
        self.centre = (cell[0] + 0.5, 0.5, cell[1] + 0.5)

    def roll(self, way: str) -> None:
        """Turn by 90 degrees about the lower edge on the side that it rolls to."""
        turn = quarter_turn_that_brings("top", way)
        self.paint = {rotated(turn, normal): colour for normal, colour in self.paint.items()}
        edge = tuple(c + (d - u) / 2 for c, d, u in zip(self.centre, OUTWARD[way], OUTWARD["top"], strict=True))
        arm = rotated(turn, tuple(c - e for c, e in zip(self.centre, edge, strict=True)))
        self.centre = tuple(e + a for e, a in zip(edge, arm, strict=True))

    @property
    def cell(self) -> tuple[int, int]:
        x, y, z = self.centre
        assert y == 0.5, "a rolling cube stays on the board"
        return (int(x // 1), int(z // 1))

    def colour(self, face: str) -> str:
        return self.paint[OUTWARD[face]]


def next_cell(cell: tuple[int, int], way: str) -> tuple[int, int]:
    return (cell[0] + OUTWARD[way][0], cell[1] + OUTWARD[way][2])


def allowed(visited: list[tuple[int, int]]) -> set[str]:
    """The rolls that stay on the board and enter a cell for the first time."""
    on_board = {(x, z) for x in range(BOARD) for z in range(BOARD)}
    return {way for way in ROLLS if next_cell(visited[-1], way) in on_board - set(visited)}
