from __future__ import annotations

import json
import string
import subprocess
import sys
from importlib.resources import files

import aggdraw
import numpy as np
import pytest

from idf.drawing._text import fill_text, text_polygons, text_width
from tests.sentences import refused

PRINTABLE = "".join(map(chr, range(32, 127)))


def area(contour: np.ndarray) -> float:
    """Signed: positive where the contour runs anticlockwise, y up."""
    x, y = contour.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def filled(contours: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Coverage of each pixel, 0 to 1."""
    canvas = aggdraw.Draw("RGB", size, (255, 255, 255))
    fill_text(canvas, contours, (0, 0, 0))
    return 1 - np.frombuffer(canvas.tobytes(), np.uint8).reshape(size[1], size[0], 3)[..., 1] / 255.0


def line(text: str, em: float, at: tuple[float, float], *, bold: bool = False) -> list[np.ndarray]:
    return [contour * (em, -em) + at for contour in text_polygons(text, bold=bold)]


@pytest.mark.parametrize("bold", [False, True])
def test_every_printable_character_but_the_space_has_an_outline(bold: bool) -> None:
    assert text_polygons(" ", bold=bold) == []
    for character in PRINTABLE[1:]:
        contours = text_polygons(character, bold=bold)
        assert contours, character
        for contour in contours:
            assert contour.ndim == 2
            assert contour.shape[1] == 2
            assert contour.dtype == np.float64
            assert abs(area(contour)) > 0
        points = np.concatenate(contours)
        assert points.min(axis=0)[0] > -0.05  # no font unit far from its own cell
        assert points.max(axis=0)[0] < text_width(character, bold=bold) + 0.05
        assert points[:, 1].min() > -0.25
        assert points[:, 1].max() < 0.8


def test_widths_are_those_of_arial() -> None:
    # advance widths of Arial and Arial Bold, in 1/2048 em
    assert [round(text_width(c) * 2048) for c in "AWi0 "] == [1366, 1933, 455, 1139, 569]
    assert [round(text_width(c, bold=True) * 2048) for c in "AWi0 "] == [1479, 1933, 569, 1139, 569]
    assert text_width("") == 0
    assert text_width("ab") == pytest.approx(text_width("a") + text_width("b"))


def test_letters_stand_side_by_side_on_the_baseline() -> None:
    both, first = text_polygons("HE"), text_polygons("H")
    assert np.array_equal(both[0], first[0])
    assert np.allclose(both[1], text_polygons("E")[0] + (text_width("H"), 0))
    assert all(contour[:, 1].min() == 0 for contour in both)
    assert text_polygons("p")[0][:, 1].min() < -0.15


@pytest.mark.parametrize(
    ("letters", "holes"), [("ADOPQRabdegopq0469@", 1), ("B8%", 2), ("CEFGHIJKLMNSTUVWXYZ12357", 0)]
)
def test_holes_run_the_other_way_round(letters: str, holes: int) -> None:
    for letter in letters:
        areas = [area(contour) for contour in text_polygons(letter)]
        outer = np.sign(max(areas, key=abs))
        assert sum(np.sign(a) != outer for a in areas) == holes, letter


@pytest.mark.parametrize("text", ["é", "a\nb", "tab\t", "\x7f"])
def test_other_characters_are_refused_by_name(text: str) -> None:
    for function in (text_polygons, text_width):
        with refused("printable ASCII", by=ValueError):
            function(text)


def test_a_fill_covers_exactly_the_area_of_the_outline_and_leaves_holes_open() -> None:
    for text in ("O", "B", "%", "Target State", string.punctuation):
        contours = line(text, 40.3, (5.2, 40.7), bold=True)
        covered = filled(contours, (900, 60)).sum()
        assert covered == pytest.approx(abs(sum(area(contour) for contour in contours)), rel=0.01), text
    o = filled(line("O", 100, (10, 90)), (100, 100))
    assert o[55, 49] == 0
    assert o[55, 17:23].max() == 1


def test_a_fill_is_neither_grown_nor_shifted() -> None:
    square = np.array([[2.0, 3.0], [7.0, 3.0], [7.0, 6.5], [2.0, 6.5]])
    covered = filled([square], (10, 10))
    assert covered[3:6, 2:7].min() == 1
    assert covered[6, 2:7] == pytest.approx(0.5, abs=0.01)
    covered[3:7, 2:7] = 0
    assert covered.max() == 0


def test_outlines_are_fresh_and_can_be_changed_by_their_owner() -> None:
    text_polygons("A")[0][:] = 0
    assert text_polygons("A")[0].max() > 0.5


def test_the_glyph_file_says_where_it_comes_from_and_is_small() -> None:
    file = files("idf.drawing").joinpath("_glyphs.json")
    assert len(file.read_bytes()) < 150_000
    content = json.loads(file.read_text(encoding="ascii"))
    assert "Arimo" in content["source"]
    assert "Apache License 2.0" in content["licence"]
    assert set(content["regular"]) == set(content["bold"]) == set(PRINTABLE)


def test_importing_the_module_does_not_read_the_glyphs() -> None:
    code = "import idf.drawing._text as t; assert t._content.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", code], check=True)
