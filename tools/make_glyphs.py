"""Turn a regular and a bold font file into `idf/drawing/_glyphs.json`: outlines of printable ASCII, as polygons.

The committed file was made from Arimo 1.23 (npm package typeface-arimo 1.1.13, the last under the Apache License;
later versions carry the SIL Open Font License):

    npm pack typeface-arimo@1.1.13 && tar xzf typeface-arimo-1.1.13.tgz
    pip install fonttools
    python tools/make_glyphs.py package/files/arimo-latin-400.woff package/files/arimo-latin-700.woff
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from fontTools.pens.basePen import decomposeQuadraticSegment
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

CHARACTERS = "".join(chr(code) for code in range(32, 127))
POINTS_PER_CURVE = 4
APACHE = "http://www.apache.org/licenses/LICENSE-2.0"
HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "idf" / "drawing" / "_glyphs.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regular", type=Path, help="the upright font, .ttf or .woff with quadratic outlines")
    parser.add_argument("bold", type=Path, help="its bold companion")
    parser.add_argument("--out", type=Path, default=TARGET, help="where to write the JSON")
    arguments = parser.parse_args()

    fonts = {"regular": TTFont(arguments.regular), "bold": TTFont(arguments.bold)}
    for path, font in zip((arguments.regular, arguments.bold), fonts.values(), strict=True):
        if font["name"].getDebugName(14) != APACHE:
            parser.error(f"{path} does not name the Apache License 2.0 ({APACHE}) as its licence")
    units = {font["head"].unitsPerEm for font in fonts.values()}
    if len(units) != 1:
        parser.error(f"the two fonts have different units per em: {sorted(units)}")

    name = fonts["regular"]["name"]
    content = {
        "source": f"outlines of {name.getDebugName(1)}, {name.getDebugName(5)}, designed by Steve Matteson. "
        f"{name.getDebugName(0)} Curves are flattened to polygons; only printable ASCII is kept.",
        "licence": f"Apache License 2.0, {APACHE}",
        "format": "character: [advance width, contour, ...]; a contour is x, y, x, y, ... in font units, y up",
        "unitsPerEm": units.pop(),
        **{style: {c: glyph(font, c) for c in CHARACTERS} for style, font in fonts.items()},
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    arguments.out.write_text(text + "\n", encoding="ascii")
    print(f"{arguments.out}: {len(text) + 1:,} bytes")


def glyph(font: TTFont, character: str) -> list[int | list[int]]:
    """Advance width and flat contours of a character, in font units.

    Args:
        font: A font with quadratic (TrueType) outlines.
        character: One character that the font has.

    Returns:
        [advance, contour, ...], each contour [x0, y0, x1, y1, ...] and closed by its reader.
    """
    glyphs, name = font.getGlyphSet(), font.getBestCmap()[ord(character)]
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    contours: list[list[tuple[float, float]]] = []
    for verb, points in pen.value:
        if verb == "moveTo":
            contours.append([points[0]])
        elif verb == "lineTo":
            contours[-1].append(points[0])
        elif verb == "qCurveTo":
            contours[-1] += flattened(contours[-1][-1], points)
        elif verb != "closePath":
            raise ValueError(f"{character!r}: {verb} is not expected in a TrueType outline")
    return [round(glyphs[name].width), *(_without_repeats(contour) for contour in contours)]


def flattened(start: tuple[float, float], points: tuple[tuple[float, float] | None, ...]) -> list[tuple[float, float]]:
    """A chain of quadratic curves as points, POINTS_PER_CURVE each, the start left out."""
    if points[-1] is None:
        raise ValueError("a contour without any point on the curve is not expected in this font")
    out = []
    for control, end in decomposeQuadraticSegment(points):
        for step in range(1, POINTS_PER_CURVE + 1):
            t = step / POINTS_PER_CURVE
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            out.append((a * start[0] + b * control[0] + c * end[0], a * start[1] + b * control[1] + c * end[1]))
        start = end
    return out


def _without_repeats(contour: list[tuple[float, float]]) -> list[int]:
    """Rounded to font units, without a point that equals the one before it; the end does not repeat the start."""
    points = [(round(x), round(y)) for x, y in contour]
    kept = [point for before, point in zip([points[-1], *points[:-1]], points, strict=True) if point != before]
    return [value for point in kept for value in point]


if __name__ == "__main__":
    main()
