"""The plots of `idf stats`, drawn from its numbers alone: the same statistics give the same files."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

from idf.data import in_order
from idf.errors import UserError

from .shortened import shortened

_DPI = 110
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#332288")  # Paul Tol, bright
_LONG_LIST = 20  # bars; beyond this every second name is left out


def check_plots() -> None:
    """Raise a UserError if nothing can be plotted."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UserError("--out draws plots and needs matplotlib: pip install matplotlib, or leave out --out") from None


def write_figures(stats: dict[str, Any], out: Path) -> list[Path]:
    """Draw one file for each topic.

    Args:
        stats: What `measure_dataset` returned.
        out: A folder that exists.

    Returns:
        The files written; a topic of which the dataset says nothing has none.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    written = []
    with matplotlib.style.context("default"):  # not what a user's own settings say
        for topic, draw in _TOPICS.items():
            figure = draw(stats)
            if figure is None:
                continue
            FigureCanvasAgg(figure)
            # Without the name of the program, which would change with every version of it.
            figure.savefig(out / f"{topic}.png", dpi=_DPI, metadata={"Software": None})
            written.append(out / f"{topic}.png")
    return written


def _panels(number: int, columns: int, width: float, height: float, title: str) -> tuple[Any, list[Any]]:
    """A figure with a number of panels, each of width x height inches."""
    from matplotlib.figure import Figure

    columns = min(columns, number)
    rows = ceil(number / columns)
    figure = Figure(figsize=(width * columns, height * rows + 0.4), layout="constrained")
    figure.suptitle(title)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for empty in axes[number:]:
        empty.axis("off")
    for axis in axes[:number]:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes[:number]


def _kinds(stats: dict[str, Any]) -> Any:
    """Samples per world: by kind on the left, by difficulty on the right."""
    worlds = stats["worlds"]
    figure, panels = _panels(2, 2, 5.5, 0.8 + 0.5 * len(worlds), f"{stats['samples']:,} samples")
    by_kind: dict[str, dict[str, int]] = {}
    by_difficulty: dict[str, dict[str, int]] = {}
    for world, facts in worlds.items():
        for difficulty, kinds in facts["counts"].items():
            by_difficulty.setdefault(difficulty, {})[world] = sum(kinds.values())
            for kind, number in kinds.items():
                mine = by_kind.setdefault(kind, {})
                mine[world] = mine.get(world, 0) + number
    _stacked(panels[0], list(worlds), {kind: by_kind[kind] for kind in sorted(by_kind)}, "by kind")
    _stacked(panels[1], list(worlds), {d: by_difficulty[d] for d in in_order(by_difficulty)}, "by difficulty")
    return figure


def _stacked(axis: Any, worlds: list[str], parts: dict[str, dict[str, int]], title: str) -> None:
    left = [0] * len(worlds)
    for i, (part, numbers) in enumerate(parts.items()):
        widths = [numbers.get(world, 0) for world in worlds]
        axis.barh(worlds, widths, left=left, label=part, color=_COLOURS[i % len(_COLOURS)])
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axis.invert_yaxis()
    axis.set_title(title)
    axis.set_xlabel("samples")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, frameon=False)


def _difficulty(stats: dict[str, Any]) -> Any:
    """A histogram for each measure of each world, stacked by difficulty."""
    measures = [(w, name, found) for w, facts in stats["worlds"].items() for name, found in facts["measures"].items()]
    if not measures:
        return None
    figure, panels = _panels(len(measures), 4, 3.2, 2.4, "Exact measures of difficulty")
    difficulties = in_order({difficulty for _, _, found in measures for difficulty in found})
    for axis, (world, name, found) in zip(panels, measures, strict=True):
        bottom: dict[int, int] = {}
        for difficulty, histogram in found.items():
            values = {int(value): number for value, number in histogram.items()}
            colour = _COLOURS[difficulties.index(difficulty) % len(_COLOURS)]
            heights = [bottom.get(value, 0) for value in values]
            axis.bar(list(values), list(values.values()), width=0.9, bottom=heights, color=colour, label=difficulty)
            bottom |= {value: bottom.get(value, 0) + number for value, number in values.items()}
        axis.set_title(f"{world}: {name}", fontsize=9)
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles = {label: h for a in panels for h, label in zip(*a.get_legend_handles_labels(), strict=True)}
    figure.legend([handles[d] for d in difficulties], difficulties, loc="outside lower center", ncols=len(difficulties))
    return figure


def _answers(stats: dict[str, Any]) -> Any:
    """How often the most frequent answer of each kind occurs: what always saying it would score."""
    worlds = {world: facts["answers"] for world, facts in stats["worlds"].items() if facts["answers"]}
    if not worlds:
        return None
    height = 0.9 + 0.32 * max(map(len, worlds.values()))
    figure, panels = _panels(len(worlds), 2, 6.4, height, "Share of the most frequent answer")
    for axis, (world, kinds) in zip(panels, worlds.items(), strict=True):
        shares = [found["most"][0][1] / found["samples"] for found in kinds.values()]
        bars = axis.barh(list(kinds), shares, color=_COLOURS[0])
        names = [f'"{shortened(f["most"][0][0])}", {f["different"]:,} different' for f in kinds.values()]
        # A dollar sign would begin a formula.
        axis.bar_label(bars, [name.replace("$", r"\$") for name in names], padding=3, fontsize=7)
        axis.set_xlim(0, 1)
        axis.invert_yaxis()
        axis.set_title(world, fontsize=10)
    return figure


def _tokens(stats: dict[str, Any]) -> Any:
    """Lengths in tokens: a box from the 10th to the 90th percentile, a line at the median, whiskers from least to most."""
    worlds = stats["worlds"]
    parts = list(next(iter(worlds.values()))["tokens"])
    title = f"Lengths in tokens ({stats['tokens']}): median, 10-90 %, least to most"
    figure, panels = _panels(len(parts), 2, 5.5, 0.8 + 0.45 * len(worlds), title)
    for axis, part in zip(panels, parts, strict=True):
        found = [facts["tokens"][part] for facts in worlds.values()]
        low, middle, high = ([one[name] for one in found] for name in ("p10", "median", "p90"))
        axis.hlines(list(worlds), [one["min"] for one in found], [one["max"] for one in found], color=_COLOURS[0])
        widths = [b - a for a, b in zip(low, high, strict=True)]
        axis.barh(list(worlds), widths, left=low, height=0.5, color=_COLOURS[4], edgecolor=_COLOURS[0])
        axis.scatter(middle, list(worlds), marker="|", s=250, color=_COLOURS[1], linewidths=2, zorder=3)
        axis.set_xlim(left=0)
        axis.invert_yaxis()
        axis.set_title(part)
    return figure


def _actions(stats: dict[str, Any]) -> Any:
    """How often each action occurs, per world."""
    worlds = {world: facts["actions"] for world, facts in stats["worlds"].items() if facts["actions"]}
    if not worlds:
        return None
    figure, panels = _panels(len(worlds), 2, 6.4, 2.4, "Share of each action")
    for axis, (world, actions) in zip(panels, worlds.items(), strict=True):
        total = sum(actions.values())
        names = list(actions)
        axis.bar(range(len(names)), [number / total for number in actions.values()], color=_COLOURS[0])
        every = 1 + len(names) // _LONG_LIST
        axis.set_xticks(range(0, len(names), every), names[::every], fontsize=8)
        axis.set_title(world, fontsize=10)
    return figure


def _distances(stats: dict[str, Any]) -> Any:
    """One measure against another where a world has both, the number of samples as the area of a dot."""
    pairs = [(world, pair, dots) for world, facts in stats["worlds"].items() for pair, dots in facts["pairs"].items()]
    if not pairs:
        return None
    figure, panels = _panels(len(pairs), 3, 3.6, 3.4, "How long walks are, and how far they get (line: equal)")
    for axis, (world, pair, dots) in zip(panels, pairs, strict=True):
        across, up, numbers = zip(*dots, strict=True)
        most = max(*across, *up)
        axis.plot([0, most], [0, most], color=_COLOURS[6], linewidth=1)
        axis.scatter(across, up, s=[120 * number / max(numbers) for number in numbers], color=_COLOURS[0], linewidths=0)
        x, y = pair.split(" ")
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        for scale in (axis.xaxis, axis.yaxis):
            scale.get_major_locator().set_params(integer=True)
        axis.set_title(world, fontsize=10)
    return figure


_TOPICS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "kinds": _kinds,
    "difficulty": _difficulty,
    "answers": _answers,
    "tokens": _tokens,
    "actions": _actions,
    "distances": _distances,
}
"""File name -> who draws it; None if there is nothing to draw."""
