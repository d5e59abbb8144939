"""The symmetries of the ground: what right, left, front and back become when one walks around a scene, or mirrors it."""

from __future__ import annotations

WAYS = {"right": (1, 0), "left": (-1, 0), "front": (0, 1), "back": (0, -1)}
"""A way -> the step (x, z): x grows to the right, z towards the viewer."""


def _quarter_turns() -> list[dict[str, str]]:
    quarter = {"right": "front", "front": "left", "left": "back", "back": "right"}
    found = [{way: way for way in WAYS}]
    for _ in range(3):
        found.append({way: quarter[to] for way, to in found[-1].items()})
    return found


def _with_mirrors() -> list[dict[str, str]]:
    mirror = {"right": "front", "front": "right", "left": "back", "back": "left"}  # at a diagonal
    return [image for turned in QUARTER_TURNS for image in (turned, {way: mirror[to] for way, to in turned.items()})]


QUARTER_TURNS = _quarter_turns()
"""What each way becomes under none, one, two and three quarter turns, seen from above."""
SYMMETRIES = _with_mirrors()
"""The eight symmetries of a square board: each quarter turn, then its mirror image."""


def carried(x: int, z: int, to: dict[str, str]) -> tuple[int, int]:
    """Where a symmetry carries a point, about the origin."""
    (rx, rz), (fx, fz) = WAYS[to["right"]], WAYS[to["front"]]
    return x * rx + z * fx, x * rz + z * fz
