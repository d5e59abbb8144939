"""The benchmark's light on Mental Rotation's cubes: soft shadows, and a whitish glare on sides that face a lamp.

Source: measured on SpatiaLite's pictures. In the panels and on the sides named in LIT nearly all points are washed out,
elsewhere hardly any; shadows darken 1 to 14 points in a hundred of a side, in all panels alike. Neither goes so far here
that a colour could be taken for another: black in the glare stays darker than gray in a shadow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, pi, sin
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idf.worlds import Rng
from idf.worlds.mental_rotation import TOWARDS, Cell

Colour = tuple[int, int, int]

LIT = {1: ("top",), 2: ("top",), 4: ("left", "front"), 7: ("right", "back")}
"""Number of the panel -> the sides that glare in it."""
_GLARE = (0.35, 0.65)  # how far towards the lamp's colour a side goes where it glares most
_ON_BLACK = 0.25  # of that, on black
_LEAST = 0.2  # of that, where it glares least
_LAMP = (255, 252, 242)

# How likely a side that may lie in a shadow does, and how dark the shadow is.
_CHANCE = {"right": 0.2, "left": 0.07, "top": 0.3, "bottom": 0.0, "front": 0.3, "back": 0.07}
_DARKNESS = {"right": 0.25, "left": 0.25, "top": 0.15, "bottom": 0.0, "front": 0.25, "back": 0.25}
_SOFTNESS = (-0.07, 0.0, 0.07)  # a shadow is one of these parts of a side longer, three times over


class Shadow(NamedTuple):
    """A shadow on a face: all between one of its edges and a line across.

    Attributes:
        edge: Number of the edge, 0 to 3.
        ends: How far the shadow goes along the two edges beside that one, 0 to 1.
        opacity: Of each of its layers, 0 to 255.
    """

    edge: int
    ends: tuple[float, float]
    opacity: int

    def layers(self, outline: list[float]) -> list[list[float]]:
        """What to fill with black, one over the other, on a face with this outline (x0, y0, ... x3, y3)."""
        corners = [(outline[i % 8], outline[i % 8 + 1]) for i in range(2 * self.edge, 2 * self.edge + 8, 2)]
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
        layers = []
        for more in _SOFTNESS:
            beside_a, beside_b = (end + more for end in self.ends)
            end_a = (ax + (dx - ax) * beside_a, ay + (dy - ay) * beside_a)
            end_b = (bx + (cx - bx) * beside_b, by + (cy - by) * beside_b)
            layers.append([ax, ay, bx, by, *end_b, *end_a])
        return layers


def cast_shadows(rng: Rng, faces: Iterable[tuple[Cell, str]], cells: Iterable[Cell]) -> dict[tuple[Cell, str], Shadow]:
    """Shadows on some of the faces that other cubes may shade: those that a cube stands in front of, near or far.

    Args:
        rng: The source of the choice.
        faces: (cell, side) of the faces that are free, in a fixed order.
        cells: The cells of all cubes.
    """
    shadows = {}
    for cell, side in faces:
        step = TOWARDS[side]
        here = sum(a * b for a, b in zip(cell, step))
        if any(sum(a * b for a, b in zip(other, step)) > here for other in cells) and rng.chance(_CHANCE[side]):
            ends = (_between(rng, 0.2, 0.9), _between(rng, 0.2, 0.9))
            opacity = round(255 * (1 - (1 - _DARKNESS[side]) ** (1 / len(_SOFTNESS))))
            shadows[cell, side] = Shadow(rng.below(4), ends, opacity)
    return shadows


class Glare(NamedTuple):
    """The glare in a panel.

    Attributes:
        strength: Of each side that glares, how far it goes towards the lamp's colour where it glares most.
        at_middle: How strong the glare is in the middle of the panel, as a share of that.
        slope: How it grows to the right and downwards, for each unit of the scene.
    """

    strength: Mapping[str, float]
    at_middle: float
    slope: tuple[float, float]

    def colour(self, name: str, side: str, colour: Colour) -> Colour:
        """What the colour of a side that glares becomes where that is strongest."""
        share = self.strength[side] * (_ON_BLACK if name == "black" else 1)
        red, green, blue = (round(own + share * (lamp - own)) for own, lamp in zip(colour, _LAMP))
        return red, green, blue

    def blend(
        self, dull: NDArray[np.uint8], bright: NDArray[np.uint8], middle: tuple[float, float], unit: float
    ) -> NDArray[np.uint8]:
        """A piece of a picture, with as much of the glare everywhere as falls there.

        Args:
            dull: (height, width, 3), without glare.
            bright: The same where the glare is strongest everywhere.
            middle: (x, y) of the middle of the panel, in pixels of the piece.
            unit: Pixels per unit of the scene.
        """
        height, width, _ = dull.shape
        x = (np.arange(width, dtype=np.float64) - middle[0]) * (self.slope[0] / unit) + self.at_middle
        y = (np.arange(height, dtype=np.float64) - middle[1]) * (self.slope[1] / unit)
        share = (np.clip(x + y[:, None], _LEAST, 1) * 128).astype(np.int16)[..., None]
        piece: NDArray[np.uint8] = (dull + ((bright.astype(np.int16) - dull) * share >> 7)).astype(np.uint8)
        return piece


def glares(rng: Rng) -> dict[int, Glare]:
    """The glare of each panel that has one."""
    found = {}
    for panel, sides in LIT.items():
        strength = {side: _between(rng, *_GLARE) for side in sides}
        angle = _between(rng, 0, 2 * pi)
        found[panel] = Glare(strength, _between(rng, 0.4, 0.8), (0.33 * cos(angle), 0.33 * sin(angle)))
    return found


def _between(rng: Rng, low: float, high: float) -> float:
    return low + (high - low) * rng.below(1 << 20) / (1 << 20)
