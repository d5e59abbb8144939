from __future__ import annotations

from collections.abc import Iterator
from colorsys import rgb_to_hsv
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

from idf.drawing import _light
from idf.drawing import mental_rotation as drawing
from idf.worlds import DIFFICULTIES, Problem, Rng, sample_problem, sample_walk
from idf.worlds.mental_rotation import COLOURS, TOWARDS, WORLD, Cell, Query, Structure, structure

from .originals import mean_error, needs_originals, originals, panels

# Where on a face to look, in units from its middle (through which the thin axis runs).
SPOTS = [spot for spot in product((-0.3, 0.0, 0.3), repeat=2) if spot != (0.0, 0.0)]
SIDES = ("right", "left", "top", "bottom", "front", "back")
LEAST_SHARE = 0.5  # of a cube's unhidden spots show its colour: arrow heads, words and hair-lines cover the others


def unhidden(points: np.ndarray, eye: np.ndarray, cells: list[Cell]) -> np.ndarray:
    """For each point, whether the line from it to the eye meets none of the cubes (the slab method)."""
    way = (eye - points)[:, None]
    from_points = np.array(cells) - points[:, None]
    ends = np.stack(((from_points - 0.5) / way, (from_points + 0.5) / way))
    enters, leaves = ends.min(0).max(-1), ends.max(0).min(-1)
    return ~((leaves > enters) & (leaves > 1e-9)).any(1)


def spots_of(cell: Cell, side: str) -> np.ndarray:
    corners = drawing.face_corners(side)
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    return np.array([cell + corners.mean(0) + a * along + b * across for a, b in SPOTS])


def shares(picture: np.ndarray, cells: list[Cell], cell: Cell) -> dict[str, float]:
    """For each colour, which share of a cell's unhidden spots shows it, over all eight panels.

    Args:
        picture: The drawing.
        cells: The cubes that may hide a spot.
        cell: A cell, with or without a cube.
    """
    matches = []
    for view in views(picture, cells, cell):
        colours = np.array([drawing.COLOURS[colour][SIDES.index(view.side)] for colour in COLOURS])
        matches.append(np.abs(view.pixels[:, None] - colours).max(2) <= 2)
    seen = np.concatenate(matches) if matches else np.zeros((0, 6), bool)
    return dict(zip(COLOURS, seen.sum(0) / max(len(seen), 1), strict=True))


class View(NamedTuple):
    """What a panel shows of a free face: the pixels at its unhidden spots, and which spots those are."""

    panel: int
    side: str
    spots: np.ndarray
    pixels: np.ndarray


def views(picture: np.ndarray, cells: list[Cell], cell: Cell) -> Iterator[View]:
    """Every free face of a cell, in every panel that sees it."""
    height, width, _ = picture.shape
    for panel in range(8):
        eye = 6.787 * np.array(drawing.corner(panel))
        for side in SIDES:
            step = np.array(TOWARDS[side])
            if step @ eye < 0 or moved(cell, step) in cells:
                continue
            points = spots_of(cell, side)
            seen = np.flatnonzero(unhidden(points + 1e-6 * step, eye, cells))
            x, y = drawing.to_pixels(points[seen], panel, (width, height)).astype(int).T
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)  # else next to a cube at the rim
            yield View(panel, side, seen[inside], picture[y[inside], x[inside]].astype(int))


def moved(cell: Cell, step: np.ndarray | Cell) -> Cell:
    x, y, z = (int(value) for value in np.add(cell, step))
    return x, y, z


HUES = {"red": 0, "yellow": 60, "green": 110, "blue": 207}


def nearest_hue(pixel: np.ndarray) -> str:
    """The colour that somebody would name who knows neither the side nor its light."""
    low, high = int(pixel.min()), int(pixel.max())
    if high - low < 30:
        return "black" if high < 89 else "gray"
    hue = 360 * rgb_to_hsv(*(pixel / 255))[0]
    return min(HUES, key=lambda name: abs((hue - HUES[name] + 180) % 360 - 180))


def faces_under_light(state: Structure, key: str) -> Iterator[tuple[Cell, View]]:
    """Every face in every panel of a noisy picture, at the spots where a clean one shows it and no mark."""
    cubes = dict(state)
    clean, noisy = (drawing.draw(problem_of(state), drawing.SIZE, noise) for noise in (None, Rng("light", key)))
    for cell, colour in cubes.items():
        for plain, lit in zip(views(clean, list(cubes), cell), views(noisy, list(cubes), cell), strict=True):
            shown = np.abs(plain.pixels - drawing.COLOURS[colour][SIDES.index(plain.side)]).max(1) <= 2
            yield cell, lit._replace(spots=lit.spots[shown], pixels=lit.pixels[shown])


def problem_of(state: Structure) -> Problem[Structure, Query]:
    return Problem("mental_rotation", "easy", state, Query("front"))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_cube_can_be_read_back_and_no_free_cell_looks_like_a_cube(difficulty: str) -> None:
    for index in range(50):
        cubes = dict(sample_problem(WORLD, seed=1, split="train", index=index, difficulty=difficulty).start)
        picture = drawing.draw(problem_of(tuple(cubes.items())), drawing.SIZE)
        free = {moved(cell, step) for cell in cubes for step in TOWARDS.values()} - set(cubes)
        for cell in free | set(cubes):
            found = shares(picture, list(cubes), cell)
            read = [colour for colour, share in found.items() if share > LEAST_SHARE]
            # A cube with six neighbours is seen from nowhere, neither in a picture nor from a side that is asked about.
            enclosed = all(moved(cell, step) in cubes for step in TOWARDS.values())
            assert read == ([cubes[cell]] if cell in cubes and not enclosed else []), (index, cell, found)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_hue_of_every_face_can_be_told_through_glare_and_shadow(difficulty: str) -> None:
    faces = 0
    for index in range(25):
        state = sample_problem(WORLD, seed=1, split="train", index=index, difficulty=difficulty).start
        for cell, view in faces_under_light(state, f"{difficulty} {index}"):
            read = {nearest_hue(pixel) for pixel in view.pixels}
            assert read <= {dict(state)[cell]}, (index, cell, view)
            faces += len(read)
    assert faces > 700


def test_the_strongest_light_leaves_six_hues_on_every_side() -> None:
    worst = max(_light._GLARE)
    for (name, sides), panel in product(drawing.COLOURS.items(), _light.LIT):
        for side, colour in zip(SIDES, sides, strict=True):
            glare = _light.Glare(dict.fromkeys(SIDES, worst), 1.0, (0.0, 0.0))
            shaded = np.array(colour) * (1 - _light._DARKNESS[side])
            bright = glare.colour(name, side, colour) if side in _light.LIT[panel] else colour
            for pixel in (bright, shaded, colour):
                assert nearest_hue(np.asarray(pixel)) == name, (name, side, pixel)


def test_a_shadow_falls_on_the_same_part_of_a_face_in_every_panel() -> None:
    shaded = 0
    for index in range(20):
        state = sample_problem(WORLD, seed=1, split="train", index=index, difficulty="hard").start
        dark: dict[tuple[Cell, str, int], set[bool]] = {}
        for cell, view in faces_under_light(state, f"shadow {index}"):
            if view.side in _light.LIT.get(view.panel, ()):
                continue  # the glare hides how dark it is
            full = max(drawing.COLOURS[dict(state)[cell]][SIDES.index(view.side)])
            for spot, pixel in zip(view.spots.tolist(), view.pixels, strict=True):
                lost = 1 - pixel.max() / full
                if lost < 0.03 or lost > 0.8 * _light._DARKNESS[view.side] > 0:  # else at the shadow's soft end
                    dark.setdefault((cell, view.side, spot), set()).add(bool(lost >= 0.03))
        assert all(len(found) == 1 for found in dark.values())
        shaded += sum(found == {True} for found in dark.values())
    assert shaded > 100


def test_a_lone_cube_has_no_shadow() -> None:
    faces = sorted(drawing._free_faces({(0, 0, 0): "red"}))
    assert all(not _light.cast_shadows(Rng(key), faces, [(0, 0, 0)]) for key in range(20))
    assert any(_light.cast_shadows(Rng(key), [((0, 0, 0), "top")], [(0, 0, 0), (3, 1, 0)]) for key in range(20))


def test_words_drawn_beforehand_look_as_if_they_were_drawn_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (drawing.SIZE, (784, 504), (140, 84)):
        states = [sample_problem(WORLD, seed=2, split="train", index=i, difficulty="hard").start for i in range(15)]
        pictures = [drawing.draw(problem_of(state), size) for state in states]
        stage = drawing._stage(size)
        panels = [
            panel._replace(
                words={at: word._replace(near=frozenset(panel.nearness)) for at, word in panel.words.items()}
            )
            for panel in stage.panels
        ]
        with monkeypatch.context() as patch:
            patch.setattr(drawing, "_stage", lambda _, stage=stage, panels=panels: stage._replace(panels=panels))
            for state, picture in zip(states, pictures, strict=True):
                assert np.array_equal(drawing.draw(problem_of(state), size), picture)


def test_no_panel_is_of_a_single_colour() -> None:
    for index in range(30):
        problem = sample_problem(WORLD, seed=1, split="train", index=index, difficulty="easy")
        assert min(panel.std() for panel in panels(drawing.draw(problem, drawing.SIZE))) > 10


def test_the_eight_panels_are_seen_from_eight_corners() -> None:
    assert [drawing.corner(number) for number in (0, 1, 2, 7)] == [(-1, 1, 1), (1, 1, 1), (-1, 1, -1), (1, -1, -1)]
    assert len({drawing.corner(number) for number in range(8)}) == 8


def test_a_cube_on_an_axis_hides_what_marks_the_axis_there() -> None:
    bare = structure({(0, 0, 0): "gray"})
    longer = structure({(0, 0, z): "gray" for z in range(4)})
    blue = [(drawing.draw(problem_of(state), drawing.SIZE) == (0, 0, 255)).all(2).sum() for state in (bare, longer)]
    assert 0 < blue[1] < 0.7 * blue[0]  # of the two blue arrow heads, the one in front is inside of a cube


def test_a_walk_shows_its_start() -> None:
    walk = sample_walk(WORLD, seed=1, split="train", index=0, difficulty="hard")
    assert np.array_equal(drawing.draw(walk, (448, 280)), drawing.draw(problem_of(walk.start), (448, 280)))


def structure_of(item: dict[str, Any]) -> Structure:
    cubes = {}
    for cell, colour in item["initial_state"].items():
        x, y, z = (int(value) for value in cell.split(","))
        cubes[x, y, z] = colour
    return structure(cubes)


def washed_and_dark(picture: np.ndarray, state: Structure) -> dict[tuple[int, str], np.ndarray]:
    """For each panel and side: how many spots were looked at, are washed out, are dark."""
    cubes, counts = dict(state), {}
    for cell, colour in cubes.items():
        for panel, side, _, pixels in views(picture, list(cubes), cell):
            change = pixels - np.array(drawing.COLOURS[colour][SIDES.index(side)])
            found = (len(pixels), (change.max(1) > 12).sum(), ((change.max(1) <= 12) & (change.min(1) < -12)).sum())
            counts[panel, side] = counts.get((panel, side), 0) + np.array(found)
    return counts


@needs_originals
def test_noise_washes_out_and_darkens_as_much_as_the_published_pictures() -> None:
    totals: dict[str, dict[tuple[int, str], Any]] = {"theirs": {}, "ours": {}}
    for number, (item, picture) in enumerate(originals("mental_rotation", 8, shrink=3)):
        state, size = structure_of(item), (picture.shape[1], picture.shape[0])
        ours = drawing.draw(problem_of(state), size, Rng("published", number))
        for whose, shown in (("theirs", picture), ("ours", ours)):
            for where, counts in washed_and_dark(shown, state).items():
                totals[whose][where] = totals[whose].get(where, 0) + counts

    def share(whose: str, kind: int, *where: tuple[int, str]) -> float:
        total = sum(totals[whose][place] for place in where)
        return float(total[kind] / total[0])

    lit = [(panel, side) for panel, sides in _light.LIT.items() for side in sides]
    others = [place for place in totals["theirs"] if place not in lit]
    for places in (lit, others, [(panel, "top") for panel in range(4)]):
        assert share("ours", 1, *places) == pytest.approx(share("theirs", 1, *places), abs=0.12)
    assert share("ours", 2, *others) == pytest.approx(share("theirs", 2, *others), abs=0.06)
    assert 0.01 < share("ours", 2, *others) < 0.12


@needs_originals
def test_the_drawing_matches_published_pictures() -> None:
    errors = []
    for item, picture in originals("mental_rotation", 4, shrink=3):
        ours = drawing.draw(problem_of(structure_of(item)), (picture.shape[1], picture.shape[0]))
        errors.append(mean_error(ours, picture))
    assert len(errors) == 4
    assert max(errors) < 3
