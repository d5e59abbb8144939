"""Small charts as inline SVG. They take their colours from the page's style sheet, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from math import exp, log2
from typing import Any, NamedTuple

from ..metrics.first_wrong import NONE, RANGES, UNSTATED, range_of

DIFFICULTIES = ("easy", "medium", "hard")
_WIDTH, _HEIGHT = 250, 158
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 8, 30

Point = tuple[float, float]


class Mark(NamedTuple):
    """A point of a series: where it is, what it says when pointed at, its interval, and how large it is."""

    x: float
    y: float
    title: str
    low: float | None = None
    high: float | None = None
    radius: float = 3.2


class _Frame(NamedTuple):
    """The scales of a chart: from values to pixels."""

    x: Callable[[float], float]
    y: Callable[[float], float]


def accuracy_chart(cells: Mapping[str, Mapping[str, Any]], floors: Mapping[str, Mapping[str, Any]]) -> str:
    """The accuracy of one world by difficulty: a point with its interval for each mode, and the trivial players as lines.

    Args:
        cells: Mode -> difficulty -> cell.
        floors: Mode -> difficulty -> name of a trivial player -> accuracy; may be empty.
    """
    names = [d for d in DIFFICULTIES if any(d in parts for parts in cells.values())]
    frame, axes = _axes((-0.5, len(names) - 0.5), (0, 1), list(enumerate(names)), _percents())
    lines = []
    for at, name in enumerate(names):
        least: dict[str, float] = {}
        for parts in floors.values():
            for player, share in parts.get(name, {}).items():
                least[player] = max(share, least.get(player, 0.0))
        lines += [
            f'<path class="floor {escape(player)}" d="{_path([(frame.x(at + dx), frame.y(share)) for dx in (-0.4, 0.4)])}">'
            f"<title>{escape(player)}, {escape(name)}: {share:.1%}</title></path>"
            for player, share in least.items()
        ]
    series = []
    for number, (mode, parts) in enumerate(cells.items()):
        marks = []
        for at, name in enumerate(names):
            if cell := parts.get(name):
                (low, high), share = cell["wilson95"], cell["accuracy"]
                title = f"{mode}, {name}: {share:.1%} [{low:.1%}, {high:.1%}], {cell['correct']} of {cell['n']}"
                marks.append(Mark(at + 0.2 * (number - (len(cells) - 1) / 2), share, title, low, high))
        series.append(_series(number, frame, marks, joined=True))
    return _svg("accuracy by difficulty", axes, lines, series)


def growth_chart(modes: Mapping[str, Mapping[str, Any]]) -> str:
    """The median of generated tokens against the size of the problem, with the fit that describes it better.

    Args:
        modes: Mode -> efficiency.
    """
    points = {mode: [p for p in said.get("by_size") or () if p[3] is not None] for mode, said in modes.items()}
    everything = [p for some in points.values() for p in some]
    if not everything:
        return _nothing("no response has a token count")
    sizes, most = [p[0] for p in everything], max(p[3] for p in everything)
    low, high = min(sizes), max(sizes)
    pad = 0.5 + 0.04 * (high - low)
    x_ticks = [(at, f"{at:g}") for at in _ticks(low, high) if float(at).is_integer() and low - pad <= at <= high + pad]
    y_ticks = [(at, _short(at)) for at in _ticks(0, most * 1.05)]
    frame, axes = _axes((low - pad, high + pad), (0, max(most * 1.08, 1)), x_ticks, y_ticks)
    largest = max(p[1] for p in everything)
    series = []
    for number, (mode, some) in enumerate(points.items()):
        marks = [
            Mark(
                size,
                tokens,
                f"{mode}, size {size}: {tokens:.0f} tokens, {right} of {n} right",
                radius=1.6 + 2.6 * (n / largest) ** 0.5,
            )
            for size, n, right, tokens in some
        ]
        fit = _fitted(modes[mode].get("growth"))
        lines = ""
        if fit:
            steps = [low + (high - low) * i / 40 for i in range(41)]
            drawn = [(frame.x(at), frame.y(fit(at))) for at in steps if 0 <= fit(at) <= most * 1.08]
            lines = f'<path class="fit s{number % 3}" d="{_path(drawn)}"/>' if len(drawn) > 1 else ""
        series.append(lines + _series(number, frame, marks, joined=False))
    return _svg("generated tokens against size", axes, [], series)


def _fitted(growth: Mapping[str, Any] | None) -> Callable[[float], float] | None:
    """The fit that describes the growth better, as a curve; None if neither does."""
    if not growth or growth["better"] not in ("linear", "exponential"):
        return None
    start, by = growth[growth["better"]]["at"]
    if growth["better"] == "linear":
        return lambda size: start + by * size
    return lambda size: exp(min(start + by * size, 50.0))


def budget_chart(modes: Mapping[str, Mapping[str, Any]]) -> str:
    """The accuracy if every response were cut off at a budget of tokens.

    Args:
        modes: Mode -> efficiency.
    """
    budgets = sorted({tokens for said in modes.values() for tokens, _ in said.get("budgets") or ()})
    if not budgets:
        return _nothing("no response has a token count")
    ticks = [(log2(tokens), _short(tokens)) for tokens in budgets]
    frame, axes = _axes((ticks[0][0] - 0.3, ticks[-1][0] + 0.3), (0, 1), ticks, _percents())
    series = [
        _series(
            number,
            frame,
            [
                Mark(log2(tokens), share, f"{mode}, {tokens} tokens: {share:.1%}")
                for tokens, share in said.get("budgets") or ()
            ],
            joined=True,
        )
        for number, (mode, said) in enumerate(modes.items())
    ]
    return _svg("accuracy at token budgets", axes, [], series)


CELL_NAMES = {
    "both": "right in both",
    "only_first": "in the first alone",
    "only_second": "in the second alone",
    "neither": "in neither",
}


def gap_chart(by_size: Sequence[tuple[int, Mapping[str, Any]]], first: str, second: str) -> str:
    """A bar for each size of the problem: the shares of items that are right in both modes, in one alone, in neither.

    Args:
        by_size: [size, `pair_counts`].
        first: The first mode.
        second: The second mode.
    """
    sizes = [size for size, _ in by_size]
    low, high = min(sizes), max(sizes)
    x_ticks = [(at, f"{at:g}") for at in _ticks(low, high) if float(at).is_integer() and low <= at <= high]
    frame, axes = _axes((low - 0.7, high + 0.7), (0, 1), x_ticks or [(low, f"{low:g}")], _percents())
    bars = []
    for size, told in by_size:
        left, right, below = frame.x(size - 0.4), frame.x(size + 0.4), 0.0
        for cell, said in CELL_NAMES.items():
            if not (n := told[cell]["n"]):
                continue
            top, bottom = frame.y(below + n / told["n"]), frame.y(below)
            below += n / told["n"]
            title = f"{first}, {second}; size {size}: {said} {n} of {told['n']}"
            bars.append(
                f'<rect class="gap g-{cell}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}"><title>{escape(title)}</title></rect>'
            )
    return _svg(f"{first} and {second} by size", axes, bars)


def step_chart(modes: Mapping[str, Mapping[str, Any]], *, tokens: bool) -> str:
    """Accuracy, or the median of tokens, by the first wrong step; a mark for each mode and range of steps.

    Args:
        modes: Mode -> what `first_wrong` says.
        tokens: Whether tokens are drawn.
    """
    names = [range_of(least) for least, _ in RANGES] + [NONE, UNSTATED]
    found = {mode: {group["step"]: group for group in said["ranges"]} for mode, said in modes.items()}
    names = [name for name in names if any(name in groups for groups in found.values())]
    medians = [g["tokens_median"] for groups in found.values() for g in groups.values() if g["tokens_median"]]
    if tokens and not medians:
        return _nothing("no response has a token count")
    most = 1.08 * max(medians) if tokens else 1.0
    y_ticks = [(at, _short(at)) for at in _ticks(0, most)] if tokens else _percents()
    x_ticks = [(at, _SHORT_STEPS.get(name, name)) for at, name in enumerate(names)]
    frame, axes = _axes((-0.5, len(names) - 0.5), (0, most), x_ticks, y_ticks)
    series = []
    for number, (mode, groups) in enumerate(found.items()):
        marks = []
        for at, name in enumerate(names):
            group = groups.get(name)
            height = group and group["tokens_median" if tokens else "accuracy"]
            if group is None or height is None:
                continue
            (low, high), where = group["wilson95"], at + 0.2 * (number - (len(found) - 1) / 2)
            said = f"{mode}, first wrong step {name}: {group['accuracy']:.1%}, {group['correct']} of {group['n']}"
            if tokens:
                marks.append(Mark(where, height, f"{said}, {height:.0f} tokens"))
            else:
                marks.append(Mark(where, height, f"{said} [{low:.1%}, {high:.1%}]", low, high))
        series.append(_series(number, frame, marks, joined=False))
    return _svg(f"{'tokens' if tokens else 'accuracy'} by the first wrong step", axes, series)


_SHORT_STEPS = {range_of(least): f"{least}-{most}" for least, most in RANGES if most not in (None, least)} | {
    f"{RANGES[-1][0]} and later": f"{RANGES[-1][0]}+",
    UNSTATED: "unst.",
}


# --- drawing -----------------------------------------------------------------------------------------------------


def _axes(
    xs: tuple[float, float],
    ys: tuple[float, float],
    x_ticks: Iterable[tuple[float, str]],
    y_ticks: Iterable[tuple[float, str]],
) -> tuple[_Frame, str]:
    def x(value: float) -> float:
        return _LEFT + (value - xs[0]) / (xs[1] - xs[0]) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - ys[0]) / (ys[1] - ys[0]) * (_HEIGHT - _TOP - _BOTTOM)

    parts = []
    for value, label in y_ticks:
        parts.append(f'<path class="grid" d="{_path([(_LEFT, y(value)), (_WIDTH - _RIGHT, y(value))])}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end">{escape(label)}</text>')
    for value, label in x_ticks:
        parts.append(
            f'<text x="{x(value):.1f}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{escape(label)}</text>'
        )
    return _Frame(x, y), "".join(parts)


def _series(number: int, frame: _Frame, marks: Sequence[Mark], *, joined: bool) -> str:
    parts = []
    if joined and len(marks) > 1:
        parts.append(f'<path class="line" d="{_path([(frame.x(m.x), frame.y(m.y)) for m in marks])}"/>')
    for mark in marks:
        x, y, r = frame.x(mark.x), frame.y(mark.y), mark.radius
        whisker = ""
        if mark.low is not None and mark.high is not None:
            whisker = f'<path class="whisker" d="{_path([(x, frame.y(mark.low)), (x, frame.y(mark.high))])}"/>'
        parts.append(f"<g>{whisker}{_shape(number, x, y, r)}<title>{escape(mark.title)}</title></g>")
    return f'<g class="series s{number % 3}">{"".join(parts)}</g>'


def _shape(number: int, x: float, y: float, r: float) -> str:
    """A mark that differs from the others by more than its colour."""
    if number % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'
    if number % 3 == 1:
        return f'<rect x="{x - r * 0.9:.1f}" y="{y - r * 0.9:.1f}" width="{r * 1.8:.1f}" height="{r * 1.8:.1f}"/>'
    d = r * 1.35
    return f'<path d="M{x:.1f} {y - d:.1f}L{x + d:.1f} {y:.1f}L{x:.1f} {y + d:.1f}L{x - d:.1f} {y:.1f}Z"/>'


def key_mark(number: int) -> str:
    """The mark of a series, for a legend."""
    return f'<svg class="key s{number % 3}" viewBox="0 0 12 12" aria-hidden="true">{_shape(number, 6, 6, 3.6)}</svg>'


def _svg(label: str, *parts: str | Iterable[str]) -> str:
    inside = "".join(part if isinstance(part, str) else "".join(part) for part in parts)
    return f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{inside}</svg>'


def _nothing(why: str) -> str:
    return f'<p class="nothing">{escape(why)}</p>'


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _percents() -> list[tuple[float, str]]:
    return [(0.0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1.0, "100 %")]


def _ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from `low` to `high`, about so many."""
    span = max(high - low, 1e-9)
    scale = 10.0 ** (len(f"{int(span / about)}") - 1) if span / about >= 1 else 0.1
    step = next((scale * k for k in (1, 2, 5, 10, 20, 50) if span / (scale * k) <= about + 0.5), scale * 100)
    first = -(-low // step)
    return [k * step for k in range(int(first), int(high // step) + 1)]


def _short(value: float) -> str:
    """A number of tokens in few characters; 1,024 is 1k here, as 1,000 is."""
    kilo = 1024 if value % 1024 == 0 else 1000
    return f"{value / kilo:g}k" if value >= 1000 else f"{value:g}"
