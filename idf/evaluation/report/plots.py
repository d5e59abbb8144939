"""The plots of an evaluation, of a leaderboard, and of tokens by size; the same numbers give the same files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil, exp
from pathlib import Path
from statistics import median
from typing import Any

from idf.errors import UserError

from ..metrics.row import Row
from ..metrics.summary import ALL
from ..metrics.tokens import tokens_of
from .growth import CURVES, Grown, Growths
from .leaderboard import Group, modes_of
from .tables import macro_baselines, macro_interval

_DPI = 160
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#332288")  # Paul Tol, bright
_MARKERS = "osD^vP*X"
_GREY = "#555555"
FIGURES = {
    ".png": {"Software": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    ".svg": {"Creator": None, "Date": None},
}
"""How the name of a figure ends -> what it would say of its program and date, which is left out."""
_MODES = ("vtqa", "tqa", "vqa")
_PLAYERS = {"initial": "-", "random": ":"}
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


def write_summary_png(rows: Sequence[Row], results: dict[str, Any], out: Path) -> Path:
    """Write `summary.png`: accuracies with intervals and the trivial players, and tokens against the problem's size.

    Args:
        rows: The scored rows.
        results: What `results.json` says.
        out: The folder.

    Returns:
        Its path.
    """
    from matplotlib.figure import Figure

    worlds = list(results["worlds"])
    found = {mode for modes in results["worlds"].values() for mode in modes}
    modes = [mode for mode in _MODES if mode in found] + sorted(found - set(_MODES))
    spoken = [world for world in worlds if any(tokens_of(row) is not None for row in rows if row.world == world)]
    with _style():
        figure = Figure(figsize=(9.5, 5.6 if spoken else 3.0), layout="constrained")
        grid = figure.add_gridspec(2 if spoken else 1, max(1, len(spoken)), height_ratios=[1.15, 1] if spoken else [1])
        _accuracies(figure.add_subplot(grid[0, :]), results, worlds, modes)
        for i, world in enumerate(spoken):
            axis = figure.add_subplot(grid[1, i])
            _tokens(axis, [row for row in rows if row.world == world], results["efficiency"][world], modes)
            axis.set_title(_spaced(world))
            if i == 0:
                axis.set_ylabel("generated tokens")
        if spoken:
            figure.supxlabel("size of the problem; median, 10-90 %, and the fit (dotted: undecided)", fontsize=9)
        return _saved(figure, out / "summary.png")


def _accuracies(axis: Any, results: dict[str, Any], worlds: Sequence[str], modes: Sequence[str]) -> None:
    width = 0.8 / len(modes)
    for m, mode in enumerate(modes):
        cells = {
            i: results["worlds"][world][mode][ALL] for i, world in enumerate(worlds) if mode in results["worlds"][world]
        }
        drawn = {i: (cell["accuracy"], cell["wilson95"]) for i, cell in cells.items()}
        macro = results["macro"][mode]
        drawn[len(worlds)] = (macro["accuracy"], macro_interval(macro))
        places = [i + (m - (len(modes) - 1) / 2) * width for i in drawn]
        shares = [100 * share for share, _ in drawn.values()]
        margins = [
            [max(0.0, 100 * (share - low)) for share, (low, _) in drawn.values()],
            [max(0.0, 100 * (high - share)) for share, (_, high) in drawn.values()],
        ]
        axis.bar(places, shares, 0.92 * width, color=_COLOURS[m], label=mode)
        axis.errorbar(places, shares, margins, fmt="none", ecolor="#222222", elinewidth=0.9, capsize=2)
        trivial = [results.get("baselines", {}).get(worlds[i], {}).get(mode, {}).get(ALL, {}) for i in cells]
        for players, place in zip([*trivial, macro_baselines(results, mode)], places):
            for player, line in _PLAYERS.items():
                if player in players:
                    ends = (place - width / 2, place + width / 2)
                    axis.hlines(
                        100 * players[player], *ends, colors="#000000", linestyles=line, linewidth=1.6, zorder=4
                    )
    for player, line in _PLAYERS.items():
        if results.get("baselines"):
            axis.plot([], [], color="#000000", linestyle=line, linewidth=1.6, label=player)
    axis.axvline(len(worlds) - 0.5, color="#bbbbbb", linewidth=0.8)
    axis.set_xticks(range(len(worlds) + 1), [*map(_spaced, worlds), "mean over worlds"])
    axis.tick_params(axis="x", length=0)
    axis.set_xlim(-0.5, len(worlds) + 0.5)
    axis.set_ylim(0, 100)
    axis.set_ylabel("accuracy, %")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(modes) + len(_PLAYERS), borderaxespad=0.2)
    title = str(results["run"].get("evaluated", ""))
    axis.set_title(_plain(title if len(title) < 70 else f"...{title[-67:]}"), loc="left", fontweight="bold")


def _tokens(axis: Any, rows: Sequence[Row], efficiency: dict[str, Any], modes: Sequence[str]) -> None:
    for m, mode in enumerate(modes):
        counts: dict[int, list[int]] = {}
        for row in rows:
            count = tokens_of(row)
            if row.mode == mode and count is not None:
                counts.setdefault(row.size, []).append(count)
        if not counts:
            continue
        sizes = sorted(counts)
        shift = (m - (len(modes) - 1) / 2) * 0.18
        places = [size + shift for size in sizes]
        lows, highs = zip(*(_middle(counts[size]) for size in sizes))
        axis.vlines(places, lows, highs, color=_COLOURS[m], linewidth=1, alpha=0.6)
        axis.plot(places, [median(counts[size]) for size in sizes], "o", color=_COLOURS[m], markersize=3.5)
        if growth := efficiency[mode]["growth"]:
            across = [sizes[0] + (sizes[-1] - sizes[0]) * step / 60 for step in range(61)]
            shape = "exponential" if growth["better"] == "exponential" else "linear"
            start, slope = growth[shape]["at"]
            heights = [exp(start + slope * x) if shape == "exponential" else start + slope * x for x in across]
            line = ":" if growth["better"] == "undecided" else "-"
            axis.plot(across, heights, line, color=_COLOURS[m], linewidth=1.2)
    axis.set_ylim(bottom=0)
    axis.xaxis.get_major_locator().set_params(integer=True)


def _middle(counts: Sequence[int]) -> tuple[int, int]:
    """The 10th and 90th percentile, as tokens that occur."""
    ordered = sorted(counts)
    return ordered[int(0.1 * len(ordered))], ordered[ceil(0.9 * len(ordered)) - 1]


def draw_leaderboard(groups: Sequence[Group], path: Path) -> Path:
    """Draw accuracy against tokens; one panel for each group and mode. A run without tokens is a dashed line.

    Returns:
        The path.
    """
    from matplotlib.figure import Figure

    panels = [(group, mode) for group in groups for mode in modes_of(group)]
    columns = min(3, len(panels))
    with _style():
        figure = Figure(figsize=(max(5.0, 3.6 * columns), 3.6 * ceil(len(panels) / columns)), layout="constrained")
        axes = list(figure.subplots(ceil(len(panels) / columns), columns, squeeze=False).flat)
        for axis in axes[len(panels) :]:
            axis.axis("off")
        legend: dict[str, Any] = {}
        for axis, (group, mode) in zip(axes, panels):
            shown = _panel(axis, group, mode)
            asked = group.title if len(group.title) < 44 else f"...{group.title[-41:]}"
            axis.set_title(_plain(f"{asked}\n{mode}" if len(groups) > 1 else mode))
            if len(groups) > 1:
                axis.legend(list(shown.values()), list(shown), fontsize=8)
            legend |= {name: handle for name, handle in shown.items() if name not in legend}
        if len(groups) == 1:
            figure.legend(list(legend.values()), list(legend), loc="outside lower center", ncols=min(6, len(legend)))
        return _saved(figure, path)


def _panel(axis: Any, group: Group, mode: str) -> dict[str, Any]:
    """Name -> what stands for it in a legend."""
    shown: dict[str, Any] = {}
    for i, (name, results) in enumerate(group.runs.items()):
        if mode not in results["macro"]:
            continue
        macro = results["macro"][mode]
        share, (low, high) = 100 * macro["accuracy"], (100 * bound for bound in macro_interval(macro))
        colour, label = _COLOURS[i % len(_COLOURS)], _plain(name)
        if macro["tokens_median"] is None:
            shown[f"{label} (no tokens)"] = axis.axhline(share, color=colour, linestyle="--", linewidth=1.2)
            continue
        margins = [[max(0.0, share - low)], [max(0.0, high - share)]]
        # A marker of its own once the colours are used up.
        marker = _MARKERS[i // len(_COLOURS) % len(_MARKERS)]
        shown[label] = axis.errorbar(
            [macro["tokens_median"]], [share], margins, fmt=marker, color=colour, capsize=2.5, markersize=6
        )
    axis.set_xlabel("tokens of a response, median")
    axis.set_ylabel("accuracy, mean over worlds, %")
    axis.set_ylim(0, 100)
    axis.set_xlim(0, 1.08 * max([axis.get_xlim()[1] / 1.05, 1.0]))
    return shown


def check_figure(path: Path) -> None:
    """Refuse a name of a figure that says no form that is known.

    Raises:
        UserError: It is a folder, or ends in none of FIGURES.
    """
    if path.is_dir() or path.suffix.lower() not in FIGURES:
        raise UserError(f"--figure {path} must name a file that ends in {', '.join(FIGURES)}")


def draw_growth(found: Growths, path: Path) -> Path:
    """Draw tokens against the size of the problem, as `growth_figure` says.

    Args:
        found: What `growths` returned.
        path: The file; its name ends in .png, .pdf or .svg.

    Returns:
        The path.
    """
    with _style():
        return _saved(growth_figure(found), path)


def growth_figure(found: Growths) -> Any:
    """A figure of tokens against the size of the problem: a panel for each mode, a colour for each run.

    Dots are medians, lines the middle 80 %, open triangles responses that were cut off: they are at least so long. The curve
    that fits better is drawn whole, both dotted if neither does.
    """
    from matplotlib.figure import Figure

    said = {one.mode for one in found.runs}
    modes = [mode for mode in _MODES if mode in said] + sorted(said - set(_MODES))
    names = list(dict.fromkeys(one.run for one in found.runs))
    figure = Figure(figsize=(1.2 + 3.4 * len(modes), 3.6), layout="constrained")
    axes = list(figure.subplots(1, len(modes), squeeze=False, sharey=True).flat)
    for axis, mode in zip(axes, modes):
        for one in (one for one in found.runs if one.mode == mode):
            _grown(axis, one, names.index(one.run), len(names))
        axis.set_title(mode)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_xlabel(f"size of the problem ({_spaced(found.world)})")
    axes[0].set_ylim(bottom=0)  # of all panels, and when all is drawn: it fixes the top
    axes[0].set_ylabel("generated tokens")
    handles = [
        axes[0].plot([], [], _MARKERS[i % len(_MARKERS)], color=_COLOURS[i % len(_COLOURS)], label=_plain(name))[0]
        for i, name in enumerate(names)
    ]
    if any(size.cut_off for one in found.runs for size in one.sizes):
        label = "cut off, at least so long"
        handles += axes[0].plot([], [], "^", markerfacecolor="none", color=_GREY, label=label)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(handles)))
    return figure


def _grown(axis: Any, one: Grown, number: int, runs: int) -> None:
    colour, shift = _COLOURS[number % len(_COLOURS)], (number - (runs - 1) / 2) * 0.12
    for size in one.sizes:
        counts = [count for row in one.rows if row.size == size.size and (count := tokens_of(row)) is not None]
        axis.vlines(size.size + shift, *_middle(counts), color=colour, linewidth=1, alpha=0.6)
    marker = _MARKERS[number % len(_MARKERS)]
    places, medians = [size.size + shift for size in one.sizes], [size.tokens_median for size in one.sizes]
    axis.plot(places, medians, marker, color=colour, markersize=4)
    cut = [(row.size + shift, row.completion_tokens) for row in one.rows if row.finish_reason == "length"]
    if cut:
        axis.plot(*zip(*cut), "^", markerfacecolor="none", color=colour, markersize=6)
    if one.fit is None:
        return
    undecided = one.fit["better"] not in CURVES
    low, high = one.sizes[0].size, one.sizes[-1].size
    across = [low + (high - low) * step / 60 for step in range(61)]
    for curve in CURVES if undecided else (one.fit["better"],):
        heights = [one.at(curve, x) for x in across]
        axis.plot(across, heights, ":" if undecided else "-", color=colour, linewidth=1.2)


def _spaced(world: str) -> str:
    return _plain(world.replace("_", " "))


def _plain(text: str) -> str:
    return text.replace("$", r"\$")  # a dollar sign would begin a formula


@contextmanager
def _style() -> Iterator[None]:
    """Our own style, whatever a user's settings say."""
    import matplotlib
    import matplotlib.style

    # Names of parts in an SVG file are drawn at random otherwise.
    with matplotlib.style.context("default"), matplotlib.rc_context(_STYLE | {"svg.hashsalt": "idf"}):
        yield


def _saved(figure: Any, path: Path) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    # Without the name of the program, which would change with every version of it, and the date.
    figure.savefig(path, dpi=_DPI, metadata=FIGURES[path.suffix.lower()])
    return path
