"""Seeing by casting rays: parallel rays fly along the line of sight and stop at the first unit cube they hit."""

from __future__ import annotations

from tests.worlds.reference_geometry import OUTWARD

FAR = 100.0


def entry(origin, direction, centre) -> float | None:
    """Where a ray enters the unit cube about `centre` (its parameter), or None if it misses: the slab method."""
    near, far = 0.0, float("inf")
    for o, d, c in zip(origin, direction, centre, strict=True):
        low, high = c - 0.5, c + 0.5
        if d == 0:
            if not low < o < high:
                return None
            continue
        first, last = sorted(((low - o) / d, (high - o) / d))
        near, far = max(near, first), min(far, last)
    return near if near < far else None


def first_hit(cells, view: str, across: tuple[float, float]):
    """The cell that a ray hits first, or None. `across` is where the ray crosses the picture plane."""
    out = OUTWARD[view]
    remaining = iter(across)
    origin = tuple(o * FAR if o else next(remaining) for o in out)
    direction = tuple(-o for o in out)
    hits = [(t, cell) for cell in cells if (t := entry(origin, direction, cell)) is not None]
    return min(hits)[1] if hits else None


def seen(cells, view: str, offset: tuple[float, float] = (0.0, 0.0)) -> set:
    """The cells that are hit first by one ray through every column, `offset` (< 1/2) away from its middle."""
    cells = list(cells)
    axes = [i for i in range(3) if OUTWARD[view][i] == 0]
    columns = {(cell[axes[0]], cell[axes[1]]) for cell in cells}
    return {first_hit(cells, view, (a + offset[0], b + offset[1])) for a, b in columns}
