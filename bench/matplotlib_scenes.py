"""The five worlds drawn with matplotlib, as a careful researcher would: what `bench/data.py` measures `idf.drawing` by.

The scenes, sizes, cameras and colours are those of `idf.drawing`; letters are in matplotlib's own font. In matplotlib's
favour, geometry is kept between scenes, many shapes are one collection, and a picture is one Axes without ticks. The
figure may be new for each scene, which is the usual way, or kept, so that a scene only moves what differs: the best way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from idf.drawing import cube_rolling, mental_rotation, moving_box, rubiks_cube, wood_slide
from idf.drawing._camera import Points, fit
from idf.worlds import WORLDS, Problem, Walk
from idf.worlds.cube_rolling import FACES as CUBE_FACES
from idf.worlds.mental_rotation import TOWARDS, Cell
from idf.worlds.moving_box import SYMBOLS, grid
from idf.worlds.rubiks_cube import COLOURS as STICKERS
from idf.worlds.wood_slide import COLUMNS, ROWS, SHAPES

Scene = Problem[Any, Any] | Walk[Any]
Size = tuple[int, int]
Make = Callable[..., Any]
"""Calls its first argument with the others: anew for each scene, or once and then hands out what it made."""

_DPI = 72  # a point is a pixel: line widths and font sizes are in pixels


def draw(scene: Scene, size: Size, *, kept: bool = True) -> NDArray[np.uint8]:
    """The picture of a scene's start state, to be compared with `idf.drawing.draw`.

    Args:
        scene: A problem or a walk of any of the five worlds.
        size: (width, height) in pixels.
        kept: Whether to draw on a kept figure, or on a new one.

    Returns:
        (height, width, 3) RGB.
    """
    canvas = arrange(scene, size, kept=kept).canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def arrange(scene: Scene, size: Size, *, kept: bool = True) -> Figure:
    """A figure that shows a scene once it is drawn or saved; a kept one is good until the next scene of its world."""
    figure = _ARRANGE[scene.world](scene, size, _keep if kept else _anew).get_figure()
    assert isinstance(figure, Figure)
    return figure


@lru_cache(maxsize=32)
def _keep(build: Callable[..., Any], *arguments: Any) -> Any:
    return build(*arguments)


def _anew(build: Callable[..., Any], *arguments: Any) -> Any:
    return build(*arguments)


def _axes(size: Size, background: tuple[int, ...]) -> Axes:
    """Axes that fill a figure, in pixels, y downwards."""
    figure = Figure((size[0] / _DPI, size[1] / _DPI), dpi=_DPI, facecolor=_rgb(background))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
    axes.set_axis_off()
    return axes


def _rgb(colour: tuple[int, ...]) -> Any:
    """A colour of 0 to 255, perhaps with an opacity, as matplotlib takes it."""
    return tuple(value / 255 for value in colour)


# --- Mental Rotation ---------------------------------------------------------------------------------------------


class _View(NamedTuple):
    """The geometry of a panel.

    Attributes:
        towards: Signs of x, y and z on the camera's side.
        sides: The three sides in sight: step outwards, index of the shade, outlines by cell.
        marks: By cell, the part of an axis that it shows if it is empty: outlines and their colour.
        words: By cell, the word that it shows if it is empty: text, middle of the baseline, em, colour, zorder.
    """

    towards: Cell
    sides: list[tuple[Cell, int, dict[Cell, Points]]]
    marks: dict[Cell, tuple[list[Points], Any]]
    words: dict[Cell, tuple[str, Points, float, Any, int]]


def _mental_rotation(scene: Scene, size: Size, make: Make) -> Artist:
    stage: tuple[PolyCollection, list[dict[Cell, Text]]] = make(_panels, size)
    collection, words = stage
    cubes: dict[Cell, str] = dict(scene.start)
    outlines: list[Points] = []
    fills: list[Any] = []
    edges: list[Any] = []
    for number, panel_words in enumerate(words):
        towards, sides, marks, _ = _view(number, size)
        for cell in sorted(cubes.keys() | marks.keys(), key=lambda cell: _nearness(cell, towards)):
            if cell not in cubes:
                shapes, colour = marks[cell]
                outlines += shapes
                fills += [colour] * len(shapes)
                edges += [colour] * len(shapes)
                continue
            for (dx, dy, dz), shade, by_cell in sides:
                if (cell[0] + dx, cell[1] + dy, cell[2] + dz) not in cubes:
                    outlines.append(by_cell[cell])
                    fills.append(_SHADES[cubes[cell]][shade])
                    edges.append((0.0, 0.0, 0.0))
        for cell, word in panel_words.items():
            word.set_visible(cell not in cubes)
    collection.set_verts(outlines)
    collection.set_facecolor(fills)
    collection.set_edgecolor(edges)
    return collection


_SHADES = {name: [_rgb(shade) for shade in shades] for name, shades in mental_rotation.COLOURS.items()}


def _nearness(cell: Cell, towards: Cell) -> int:
    return cell[0] * towards[0] + cell[1] * towards[1] + cell[2] * towards[2]


def _panels(size: Size) -> tuple[PolyCollection, list[dict[Cell, Text]]]:
    """An empty collection for the shapes of all panels, and the words of each."""
    frame, em = fit(mental_rotation.NATIVE, size), mental_rotation._CAPTION_EM
    axes = _axes(size, mental_rotation._BACKGROUND)
    for top, bottom in mental_rotation._STRIPS:
        corner, height = (0, frame.top + frame.scale * top), frame.scale * (bottom - top)
        axes.add_patch(Rectangle(corner, size[0], height, facecolor=_rgb(mental_rotation._STRIP)))
    for number, name in enumerate(mental_rotation._CORNERS):
        middle = (mental_rotation._COLUMNS[number % 4], sum(mental_rotation._STRIPS[number // 4]) / 2)
        x, y = frame.place(np.array(middle) + (0, em * mental_rotation._CAPTION_DROP))
        axes.text(x, y, f"iso-{name}", fontsize=em * frame.scale, ha="center", va="baseline")
    collection = PolyCollection([], linewidths=mental_rotation._EDGE * frame.scale, zorder=2)
    axes.add_collection(collection, autolim=False)
    words = [
        {
            cell: axes.text(x, y, word, fontsize=em, color=colour, weight="bold", ha="center", zorder=order)
            for cell, (word, (x, y), em, colour, order) in _view(number, size).words.items()
        }
        for number in range(len(mental_rotation._CORNERS))
    ]
    return collection, words


@lru_cache(maxsize=32)
def _view(number: int, size: Size) -> _View:
    towards = mental_rotation.corner(number)
    reach = range(-mental_rotation.REACH, mental_rotation.REACH + 1)
    cells: list[Cell] = [(x, y, z) for x in reach for y in reach for z in reach]
    view = _View(towards, [], {}, {})
    for shade, side in enumerate(mental_rotation._SIDES):
        if _nearness(TOWARDS[side], towards) > 0:
            corners = np.array(cells)[:, None] + mental_rotation.face_corners(side)
            outlines = mental_rotation.to_pixels(corners, number, size)
            view.sides.append((TOWARDS[side], shade, dict(zip(cells, outlines, strict=True))))
    for side, (word, colour, word_colour) in mental_rotation._AXES.items():
        dx, dy, dz = TOWARDS[side]
        start, middle, end, *head = _arrow(np.array((dx, dy, dz)), number, size)
        view.marks[dx, dy, dz] = ([np.array((start, middle))], _rgb(colour))
        view.marks[2 * dx, 2 * dy, 2 * dz] = ([np.array((middle, end)), *head], _rgb(colour))
        at = mental_rotation._WORD * np.array((dx, dy, dz))
        line = mental_rotation._camera(number).billboard(at, ((0, -mental_rotation._WORD_DROP * mental_rotation._EM),))
        above = mental_rotation._camera(number).billboard(line[0], (0, mental_rotation._EM))
        low, high = mental_rotation.to_pixels(np.array((line[0], above)), number, size)
        order = 3 if _nearness((dx, dy, dz), towards) > 0 else 1  # over the cubes if it is on the viewer's side
        view.words[3 * dx, 3 * dy, 3 * dz] = (word, low, low[1] - high[1], _rgb(word_colour), order)
    return view


def _arrow(out: NDArray[Any], number: int, size: Size) -> list[Points]:
    """Start, middle and end of a half axis; its head is a cone: a triangle and the base."""
    angles = np.arange(5) * 2 * np.pi / 5
    around = np.outer(np.sin(angles), np.roll(out, 1)) + np.outer(np.cos(angles), np.roll(out, 2))
    rim = mental_rotation._HEAD * out + mental_rotation._RADIUS * around
    base = mental_rotation.to_pixels(rim, number, size)
    along = np.outer((0.5, 1.5, mental_rotation._HEAD, mental_rotation._TIP), out)
    start, middle, end, tip = mental_rotation.to_pixels(along, number, size)
    (dx, dy), (x, y) = tip - end, (base - end).T
    aside = dx * y - dy * x
    return [start, middle, end, np.array((tip, base[aside.argmin()], base[aside.argmax()])), base]


# --- Cube Rolling ------------------------------------------------------------------------------------------------


def _cube_rolling(scene: Scene, size: Size, make: Make) -> Artist:
    def pixels(points: Any, *cells: tuple[int, int]) -> Points:
        return cube_rolling.to_pixels(cube_rolling.on_board(points, *cells), size)

    stage: tuple[PolyCollection, Line2D, PolyCollection] = make(_board, size)
    tiles, line, standing = stage
    path = scene.query.path.split() if isinstance(scene, Problem) else scene.actions
    cells = WORLDS[scene.world].replay(scene.start, path)[-1].cells[len(scene.start.cells) - 1 :]
    tiles.set_verts(list(pixels(cube_rolling._SQUARE, *cells).reshape(-1, 4, 2)))
    line.set_data(pixels([cube_rolling._CENTRE], *cells).T)
    # Pole and flag at the end of the path; the cube's faces in sight and the overlay at its start.
    flag = [pixels(points, cells[-1]) for points in (cube_rolling._POLE_SHAPE, cube_rolling._FLAG_SHAPE)]
    cube = [pixels(corners, cells[0]) for corners in cube_rolling._FACES_IN_SIGHT.values()]
    standing.set_verts([*flag, *cube, pixels(cube_rolling._SQUARE, cells[0])])
    colours = [scene.start.colours[CUBE_FACES.index(face)] for face in cube_rolling._FACES_IN_SIGHT]
    fills = [cube_rolling._POLE, cube_rolling._FLAG, *(cube_rolling.COLOURS[colour] for colour in colours)]
    fills.append((*cube_rolling._OVERLAY, cube_rolling._OVERLAY_ALPHA))
    standing.set_facecolor([_rgb(fill) for fill in fills])
    return tiles


def _board(size: Size) -> tuple[PolyCollection, Line2D, PolyCollection]:
    """The board with its grid and labels; the tiles, the line and what stands on it are still empty."""
    scale, half = fit(cube_rolling.NATIVE, size).scale, cube_rolling.BOARD / 2
    axes = _axes(size, cube_rolling._BACKGROUND)
    corners = np.array([(-half, 0, -half), (half, 0, -half), (half, 0, half), (-half, 0, half)])
    axes.add_patch(Polygon(cube_rolling.to_pixels(corners, size), facecolor=_rgb(cube_rolling._BOARD), zorder=1))
    tiles = PolyCollection([], facecolors=[_rgb(cube_rolling._TILE)], linewidths=0, zorder=2)
    axes.add_collection(tiles, autolim=False)
    middle_last = sorted(np.arange(-half, half + 1), key=lambda at: at == 0)
    ends = [line for at in middle_last for line in (((at, 0, -half), (at, 0, half)), ((-half, 0, at), (half, 0, at)))]
    colours = [_rgb(cube_rolling._WHITE if at == 0 else cube_rolling._GRID) for at in middle_last for _ in range(2)]
    lines, width = list(cube_rolling.to_pixels(np.array(ends), size)), cube_rolling._LINE * scale
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=width, zorder=3), autolim=False)
    path = Line2D([], [], color=_rgb(cube_rolling._PATH), linewidth=1.5 * scale, zorder=4)
    axes.add_line(path)
    edge = cube_rolling._EDGE * scale
    standing = PolyCollection([], edgecolors="black", linewidths=(0, 0, edge, edge, edge, 0), zorder=5)
    axes.add_collection(standing, autolim=False)
    white = _rgb(cube_rolling._WHITE)
    rim = withStroke(linewidth=2 * scale, foreground=(0, 0, 0, cube_rolling._RIM_ALPHA / 255))
    for word, at in cube_rolling._LABELS.items():
        low = np.array((0, -cube_rolling._CAPITALS / 2))
        baseline = cube_rolling._CAMERA.billboard(at, cube_rolling._EM * np.array((low, low + (0, 1))))
        (x, y), (_, top) = cube_rolling.to_pixels(baseline, size)
        label = axes.text(x, y, word, fontsize=y - top, color=white, weight="bold", ha="center", zorder=6)
        label.set_path_effects([rim])
    return tiles, path, standing


# --- Rubik's Cube ------------------------------------------------------------------------------------------------


def _rubiks_cube(scene: Scene, size: Size, make: Make) -> Artist:
    state: bytes = scene.start
    solved = all(len(set(state[at : at + 9])) == 1 for at in range(0, 54, 9))
    collections: list[PolyCollection] = make(_planes, size, solved)
    for (face, distance), collection in zip(_drawn(solved), collections, strict=True):
        # The whole face in the colour of its middle, then the squares that differ: no seams.
        first = 9 * list(rubiks_cube.FACES).index(face)
        stickers = state[first : first + 9]
        differing = [number for number, sticker in enumerate(stickers) if sticker != stickers[4]]
        whole, squares, _, _ = _outlines(face, distance, size, solved)
        collection.set_verts([whole, *(squares[number] for number in differing)])
        collection.set_facecolor([_STICKERS[stickers[number]] for number in (4, *differing)])
    return collections[0]


_STICKERS = [_rgb(rubiks_cube.COLOURS[name]) for name in STICKERS]


def _drawn(solved: bool) -> tuple[tuple[str, float], ...]:
    return rubiks_cube._SOLVED if solved else rubiks_cube._MIXED


def _planes(size: Size, solved: bool) -> list[PolyCollection]:
    """The lines and letters of all planes, and a collection for the colours of each."""
    axes = _axes(size, rubiks_cube._BACKGROUND)
    width = rubiks_cube._LINE * fit(rubiks_cube.NATIVE, size).scale
    collections = []
    for order, (face, distance) in enumerate(_drawn(solved)):
        collections.append(PolyCollection([], linewidths=0, zorder=order))
        axes.add_collection(collections[-1], autolim=False)
        _, _, lines, letter = _outlines(face, distance, size, solved)
        if lines:
            axes.add_collection(LineCollection(lines, colors="black", linewidths=width, zorder=order), autolim=False)
        axes.add_patch(PathPatch(letter, facecolor="black", linewidth=0, zorder=order))
    return collections


@lru_cache(maxsize=64)
def _outlines(face: str, distance: float, size: Size, solved: bool) -> tuple[Points, list[Points], list[Points], Path]:
    """A plane in pixels: the whole, its nine squares, its lines, its letter."""

    def pixels(*corners: tuple[float, float]) -> Points:
        return rubiks_cube.to_pixels(
            [rubiks_cube.on_face(face, distance, row, column) for row, column in corners], size
        )

    whole, squares = pixels((0, 0), (0, 1), (1, 1), (1, 0)), [pixels(*rubiks_cube._square(n)) for n in range(9)]
    at = (rubiks_cube._SOLVED_LINES if solved else rubiks_cube._MIXED_LINES)[face]
    lines = [pixels(*ends) for x in at for ends in (((x, 0), (x, 1)), ((0, x), (1, x)))]
    letter = TextPath((0, 0), face, size=rubiks_cube._EM)
    box = letter.get_extents()
    flat = np.asarray(letter.vertices) - ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    points = rubiks_cube.on_face(face, distance, 0.5, 0.5) + flat @ np.array(rubiks_cube._LETTERS[face], float)
    return whole, squares, lines, Path(rubiks_cube.to_pixels(list(points), size), letter.codes)


# --- Moving Box --------------------------------------------------------------------------------------------------


def _moving_box(scene: Scene, size: Size, make: Make) -> Artist:
    # One imshow of the pasted sprites takes less than half the time of one for each cell.
    rows = grid(scene.start)
    margin = round(min(size) * moving_box._MARGIN / moving_box._NATIVE)
    cell = (min(size) - 2 * margin) // max(len(rows), len(rows[0]))
    room = np.full((len(rows) * cell, len(rows[0]) * cell, 3), 255, np.uint8)
    for y, row in enumerate(rows):
        for x, symbol in enumerate(row):
            if symbol != SYMBOLS["floor"]:
                room[y * cell : (y + 1) * cell, x * cell : (x + 1) * cell] = moving_box._tile(symbol, cell)
    image: AxesImage = make(_room, size)
    left, top = ((side - min(size)) // 2 + margin for side in size)
    image.set_data(room)
    image.set_extent((left, left + room.shape[1], top + room.shape[0], top))
    return image


def _room(size: Size) -> AxesImage:
    axes = _axes(size, (255, 255, 255))
    image = axes.imshow(np.zeros((1, 1, 3), np.uint8), interpolation="nearest", aspect="auto")
    axes.set(autoscale_on=False, xlim=(0, size[0]), ylim=(size[1], 0))
    return image


# --- Wood Slide --------------------------------------------------------------------------------------------------


def _wood_slide(scene: Scene, size: Size, make: Make) -> Artist:
    layout = wood_slide._layout(size)
    boards = [scene.start]
    if isinstance(scene, Problem):
        boards.append(WORLDS[scene.world].read(scene.query.target))
    drop = wood_slide._DIGIT_HEIGHT * wood_slide._EM * layout.scale / 2
    pieces: list[list[tuple[Rectangle, Text]]] = make(_pieces, size, len(boards))
    for left, blocks, board in zip((wood_slide._LEFT, wood_slide._RIGHT), boards, pieces, strict=False):
        x0, y0 = layout.at(left, wood_slide._TOP)
        for at, (high, wide), (rectangle, digit) in zip(blocks, SHAPES, board, strict=True):
            row, column = divmod(at, COLUMNS)
            x, y = x0 + column * layout.cell, y0 + row * layout.cell
            rectangle.set_xy((x, y))
            digit.set_position((x + wide * layout.cell / 2, y + high * layout.cell / 2 + drop))
    return pieces[0][0][0]


def _pieces(size: Size, boards: int) -> list[list[tuple[Rectangle, Text]]]:
    """One or two boards with their captions; the rectangles and digits of the nine blocks are still to be placed."""
    layout, grey = wood_slide._layout(size), _rgb(wood_slide.GREY)
    axes, em = _axes(size, (255, 255, 255)), wood_slide._EM * layout.scale
    pieces: list[list[tuple[Rectangle, Text]]] = []
    for left, caption in ((wood_slide._LEFT, "Current State"), (wood_slide._RIGHT, "Target State"))[:boards]:
        axes.text(*layout.at(left, 40), caption, fontsize=em, weight="bold", color=grey)
        frame = (layout.at(left, wood_slide._TOP), COLUMNS * layout.cell, ROWS * layout.cell)
        axes.add_patch(Rectangle(*frame, fill=False, edgecolor=grey, linewidth=1))
        pieces.append([])
        for number, ((high, wide), fill) in enumerate(zip(SHAPES, wood_slide.FILLS, strict=True), 1):
            block = Rectangle((0, 0), wide * layout.cell, high * layout.cell, facecolor=_rgb(fill), edgecolor=grey)
            block.set_linewidth(layout.edge)
            axes.add_patch(block)
            pieces[-1].append((block, axes.text(0, 0, str(number), fontsize=em, weight="bold", ha="center")))
    return pieces


_ARRANGE: dict[str, Callable[[Scene, Size, Make], Artist]] = {
    "cube_rolling": _cube_rolling,
    "mental_rotation": _mental_rotation,
    "moving_box": _moving_box,
    "rubiks_cube": _rubiks_cube,
    "wood_slide": _wood_slide,
}
