"""Right-handed space, from first principles: x to the right, y up, z towards the viewer."""

from __future__ import annotations

Vector = tuple[int, int, int]
Matrix = tuple[Vector, Vector, Vector]

# The direction in which a side looks.
OUTWARD: dict[str, Vector] = {
    "right": (1, 0, 0),
    "left": (-1, 0, 0),
    "top": (0, 1, 0),
    "bottom": (0, -1, 0),
    "front": (0, 0, 1),
    "back": (0, 0, -1),
}


def dot(a, b):
    return sum(p * q for p, q in zip(a, b, strict=True))


def cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def quarter_turn(axis: Vector) -> Matrix:
    """The rotation by +90 degrees about a unit axis (right-hand rule): Rodrigues' formula, cos = 0 and sin = 1."""
    x, y, z = axis
    skew = ((0, -z, y), (z, 0, -x), (-y, x, 0))
    return tuple(tuple(skew[i][j] + axis[i] * axis[j] for j in range(3)) for i in range(3))


def quarter_turn_that_brings(side: str, to: str) -> Matrix:
    """The quarter turn that carries one side to where a neighbouring side was."""
    return quarter_turn(cross(OUTWARD[side], OUTWARD[to]))


def rotated(matrix: Matrix, vector):
    return tuple(dot(row, vector) for row in matrix)
