"""Rubik's cube as geometry: 54 stickers in space, turned by rotation matrices and read off as a person would.

No table of squares: a sticker is (cubie, normal); a turn rotates one layer; a face is read from outside.
"""

from __future__ import annotations

from itertools import product

from tests.worlds.reference_geometry import OUTWARD, cross, dot, quarter_turn, rotated

LETTERS = {"U": "top", "D": "bottom", "L": "left", "R": "right", "F": "front", "B": "back"}
# The face that the top row of a face touches, looked at from outside: the stated conventions.
TOP_ROW_TOUCHES = {"U": "B", "D": "F", "L": "U", "R": "U", "F": "U", "B": "U"}


def normal(letter):
    return OUTWARD[LETTERS[letter]]


def places(letter: str) -> list[tuple]:
    """The nine stickers of a face as (cubie, normal), row by row from the top left, seen from outside."""
    out, up = normal(letter), normal(TOP_ROW_TOUCHES[letter])
    right = cross(up, out)  # up x towards-the-viewer = to the viewer's right
    return [
        (tuple(o + row * u + column * r for o, u, r in zip(out, up, right, strict=True)), out)
        for row in (1, 0, -1)
        for column in (-1, 0, 1)
    ]


PLACES = {letter: places(letter) for letter in LETTERS}
ALL_PLACES = [place for letter in LETTERS for place in PLACES[letter]]
assert len(set(ALL_PLACES)) == 54
assert {cubie for cubie, _ in ALL_PLACES} == set(product((-1, 0, 1), repeat=3)) - {(0, 0, 0)}

Stickers = dict[tuple, str]


def painted(faces: dict[str, list[str]]) -> Stickers:
    """Stickers from nine colours a face."""
    return {place: colour for letter in LETTERS for place, colour in zip(PLACES[letter], faces[letter], strict=True)}


def turned(stickers: Stickers, move: str) -> Stickers:
    """Turn one layer clockwise, as seen by somebody who looks at its face: -90 degrees about the outward normal."""
    out = normal(move[0])
    clockwise = quarter_turn(tuple(-c for c in out))
    for _ in range(int(move[1:] or 1)):
        stickers = {
            (rotated(clockwise, cubie), rotated(clockwise, n)) if dot(cubie, out) == 1 else (cubie, n): colour
            for (cubie, n), colour in stickers.items()
        }
    return stickers


def face(stickers: Stickers, letter: str) -> list[str]:
    return [stickers[place] for place in PLACES[letter]]


def text(stickers: Stickers) -> str:
    """All six faces in the text form of the world."""
    rows = {letter: [face(stickers, letter)[i : i + 3] for i in (0, 3, 6)] for letter in LETTERS}
    return "; ".join(f"{letter}: " + " / ".join(" ".join(row) for row in rows[letter]) for letter in LETTERS)
