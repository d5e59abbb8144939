"""Text as glyph outlines, so that no font library can move a pixel and labels can lie in perspective.

The outlines in `_glyphs.json` come from Arimo 1.23 (the metrics of Arial), designed by Steve Matteson, copyright
Google, Apache License 2.0. `tools/make_glyphs.py` made them; curves are flattened to polygons there.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import aggdraw
import numpy as np

from ._canvas import fill_path, shape

Colour = tuple[int, int, int]


class _Glyph(NamedTuple):
    advance: float
    contours: tuple[np.ndarray, ...]


def text_polygons(text: str, *, bold: bool = False) -> list[np.ndarray]:
    """The outlines of a line of text, without kerning.

    Args:
        text: Printable ASCII.
        bold: Whether to use the bold style.

    Returns:
        Closed contours, each (n, 2) float64, in em units: x to the right from 0, y UP from the baseline. Holes run
        the other way round than the shapes that they lie in.

    Raises:
        ValueError: A character is not printable ASCII.
    """
    contours, x = [], 0.0
    for glyph in _glyphs_of(text, bold):
        contours += [contour + (x, 0.0) for contour in glyph.contours]
        x += glyph.advance
    return contours


def text_width(text: str, *, bold: bool = False) -> float:
    """How far the text moves the pen: the sum of the advance widths, in em units.

    Raises:
        ValueError: A character is not printable ASCII.
    """
    return sum(glyph.advance for glyph in _glyphs_of(text, bold))


def fill_text(draw: aggdraw.Draw, contours: list[np.ndarray], colour: Colour) -> None:
    """Fill contours, holes left open, anti-aliased at sub-pixel positions.

    Args:
        draw: The drawing to fill them on.
        contours: Closed contours, each (n, 2), in pixels, y DOWN; (0, 0) is the corner of the first pixel. Holes
            run the other way round (the non-zero winding rule).
        colour: Red, green and blue, 0 to 255.
    """
    fill_path(draw, shape(contours), colour)


def _glyphs_of(text: str, bold: bool) -> list[_Glyph]:
    known = _glyphs("bold" if bold else "regular")
    if unknown := sorted({character for character in text if character not in known}):
        raise ValueError(f"no outline for {', '.join(map(repr, unknown))} in {text!r}: only printable ASCII is drawn")
    return [known[character] for character in text]


@lru_cache(maxsize=2)
def _glyphs(style: str) -> dict[str, _Glyph]:
    """Character -> glyph in em units; read at the first use, not at import."""
    content = _content()
    em = content["unitsPerEm"]
    return {
        character: _Glyph(
            advance / em, tuple(np.array(flat, dtype=np.float64).reshape(-1, 2) / em for flat in contours)
        )
        for character, (advance, *contours) in content[style].items()
    }


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files(__package__).joinpath("_glyphs.json").read_text(encoding="ascii"))
    return content
