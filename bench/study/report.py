"""Draws every figure and table of the miniature study from its committed JSON: `python -m bench.study.report`.

--results FOLDER (bench/results/study) holds what `bench/study/run.sh` wrote, --out FOLDER (docs/study) receives `tables.md`
and the figures; --page FILE (docs/study.md) gets the answer and the accuracies between its marks. With --numbers, the summary
is computed anew from `outcomes.json` first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import (
    EVERY,
    LEVEL,
    NAMES,
    NO_CLAIM,
    PLAYERS,
    highlights,
    read_study,
    summarize,
    tables,
    unfinished,
    write_json,
)
from ._page import write_page

ROOT = Path(__file__).parents[2]
COLOURS = {
    "untrained": "#999999",
    "imagery": "#66ccee",
    "traces": "#ccbb44",
    "traces_same_updates": "#ee6677",
    "traces_same_labels": "#aa3377",
    "imagery_then_traces": "#4477aa",
    "mixed": "#228833",
}
CAUSES = {
    "perception": "#4477aa",
    "transformation": "#ee6677",
    "strategic": "#228833",
    "format": "#bbbbbb",
    "unstated": "#ccbb44",
}
LINES = {"initial": "-", "random": ":"}
"""The trivial players' lines."""
LEAST = 10
MODES = {"tqa": "text shown", "vtqa": "text and picture shown", "vqa": "picture shown"}

Cells = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.study.report", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=ROOT / "bench/results/study")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/study")
    parser.add_argument("--page", type=Path, help="docs/study.md, if --results and --out are not given")
    parser.add_argument("--numbers", action="store_true", help="compute the summary anew from outcomes.json")
    arguments = parser.parse_args()
    if arguments.numbers:
        write_json(arguments.results / "summary.json", summarize(read_study(arguments.results)))
    summary = json.loads((arguments.results / "summary.json").read_text())
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "tables.md").write_text(tables(summary))
    own = (arguments.results, arguments.out) == tuple(parser.get_default(name) for name in ("results", "out"))
    if page := arguments.page or (ROOT / "docs/study.md" if own else None):
        write_page(page, highlights(summary))
    cells = summary["cells"]
    note = (unfinished(summary) if summary["claims"] else NO_CLAIM).replace("*", "")
    text = [cell for cell in cells if cell["mode"] == "tqa"] or cells
    for name, figure in {
        "headline": curves(text, "accuracy", "accuracy", summary["players"]),
        "curves": curves(cells, "accuracy", "accuracy", summary["players"]),
        "imagined": curves(cells, "right_and_imagined", "right, and every step on the way right"),
        "steps": curves(cells, "steps_right", "steps on the way that are right"),
        "lengths": lengths(cells),
        "causes": causes(cells),
        "differences": differences(summary["comparisons"]),
    }.items():
        if note:
            figure.text(0.5, 0.5, note, ha="center", va="center", fontsize=11, color="#cc3311", rotation=12)
        figure.savefig(arguments.out / f"{name}.png", dpi=150, metadata={"Software": None})
        print(arguments.out / f"{name}.png")


def curves(cells: Cells, key: str, label: str, players: dict[str, Any] | None = None) -> Figure:
    """A number against the updates that a run had: the mean of each arm, a band from its lowest seed to its highest, every seed.

    *Traces only* is not drawn: its runs are among those of *traces, same updates*, but for the shortest.
    """
    worlds, modes = values(cells, "world"), values(cells, "mode")
    figure = Figure(figsize=(3.1 * len(worlds), 2.9 * len(modes) + 0.6), layout="constrained")
    grid = figure.subplots(len(modes), len(worlds), squeeze=False, sharex=True, sharey=True)
    ticks = sorted({cell["budget"] for cell in cells})
    for row, mode in enumerate(modes):
        for column, world in enumerate(worlds):
            axis: Axes = grid[row][column]
            for arm in values(cells, "arm"):
                mine = select(cells, arm=arm, world=world, mode=mode)
                if arm == "untrained":
                    axis.axhline(mine[0][key]["mean"], color=COLOURS[arm], lw=1.2, label=NAMES[arm])
                elif arm != "traces":
                    _curve(axis, mine, key, arm)
            if players:
                for player, style in LINES.items():
                    height = floor(players, world, mode, player)
                    axis.axhline(height, ls=style, color="#555555", lw=0.9, label=PLAYERS[player])
            axis.set_xscale("log")
            axis.set_xticks(ticks, [f"{budget:,}" for budget in ticks])
            axis.minorticks_off()
            axis.set_ylim(-0.02, 1.02)
            axis.grid(axis="y", color="#dddddd", linewidth=0.6)
            axis.set_title(f"{named(world)}, {MODES[mode]}", fontsize=9)
    figure.supxlabel(
        "optimizer updates, of both stages together (logarithmic); band: lowest to highest seed", fontsize=9
    )
    figure.supylabel(label, fontsize=9)
    legend(figure, grid[0][0])
    return figure


def _curve(axis: Axes, cells: Cells, key: str, arm: str) -> None:
    updates = [cell["updates"] for cell in cells]
    seeds = [cell[key]["seeds"] for cell in cells]
    marker = "s" if len(cells) == 1 else "o"
    means = [cell[key]["mean"] for cell in cells]
    axis.plot(updates, means, f"{marker}-", color=COLOURS[arm], label=NAMES[arm], ms=4)
    axis.fill_between(updates, [min(s) for s in seeds], [max(s) for s in seeds], color=COLOURS[arm], alpha=0.15)
    for place, each in zip(updates, seeds, strict=True):
        axis.plot([place] * len(each), each, ".", color=COLOURS[arm], ms=2.5, alpha=0.6)


def floor(players: dict[str, Any], world: str, mode: str, player: str) -> float:
    """What a trivial player reaches in a world, or in the mean over worlds."""
    mine = players.values() if world == EVERY else [players[world]]
    shares = [float(modes[mode][player]) for modes in mine]
    return sum(shares) / len(shares)


def lengths(cells: Cells) -> Figure:
    """Accuracy against the length of the solution at the largest budget: the mean over seeds, bars from lowest to highest.

    Lengths of fewer than `LEAST` items are joined with the next shorter one.
    """
    worlds, modes = [world for world in values(cells, "world") if world != EVERY], values(cells, "mode")
    largest = max(values(cells, "budget"))
    figure = Figure(figsize=(3.4 * len(worlds), 2.9 * len(modes) + 0.6), layout="constrained")
    grid = figure.subplots(len(modes), len(worlds), squeeze=False, sharey=True)
    for row, mode in enumerate(modes):
        for column, world in enumerate(worlds):
            axis: Axes = grid[row][column]
            mine = select(cells, world=world, mode=mode, budget=largest)
            for number, cell in enumerate(mine):
                groups = by_length(cell["by_size"])
                shift = (number - (len(mine) - 1) / 2) * 0.08
                places = [place + shift for place in range(len(groups))]
                means = [sum(seeds) / len(seeds) / items for _, items, seeds in groups]
                low = [mean - min(seeds) / items for mean, (_, items, seeds) in zip(means, groups, strict=True)]
                high = [max(seeds) / items - mean for mean, (_, items, seeds) in zip(means, groups, strict=True)]
                axis.errorbar(
                    places,
                    means,
                    (low, high),
                    fmt="o-",
                    color=COLOURS[cell["arm"]],
                    label=NAMES[cell["arm"]],
                    ms=4,
                    lw=1,
                )
            names = [f"{name}\n({items})" for name, items, _ in by_length(mine[0]["by_size"])]
            axis.set_xticks(range(len(names)), names, fontsize=8)
            axis.set_ylim(-0.02, 1.02)
            axis.grid(axis="y", color="#dddddd", linewidth=0.6)
            axis.set_title(f"{named(world)}, {MODES[mode]}", fontsize=9)
    figure.supxlabel(
        f"steps (moves) of the shortest solution, and items in brackets; budget {largest:,}; bars: lowest to highest seed",
        fontsize=9,
    )
    figure.supylabel("accuracy", fontsize=9)
    legend(figure, grid[0][0])
    return figure


def by_length(sizes: dict[str, dict[str, Any]]) -> list[tuple[str, int, list[int]]]:
    """(name, items, right answers of each seed) of each length; the longest are joined until they are `LEAST` items."""
    groups = [([int(size)], one["items"], list(one["seeds"])) for size, one in sizes.items()]
    while len(groups) > 1 and groups[-1][1] < LEAST:
        last = groups.pop()
        before = groups.pop()
        seeds = [a + b for a, b in zip(before[2], last[2], strict=True)]
        groups.append((before[0] + last[0], before[1] + last[1], seeds))
    return [(str(s[0]) if len(s) == 1 else f"{s[0]} - {s[-1]}", items, seeds) for s, items, seeds in groups]


def causes(cells: Cells) -> Figure:
    """What errors are of, at the largest budget, as shares of all answers."""
    worlds, modes = [world for world in values(cells, "world") if world != EVERY], values(cells, "mode")
    largest = max(values(cells, "budget"))
    figure = Figure(figsize=(3.4 * len(worlds) + 1.4, 2.6 * len(modes) + 0.6), layout="constrained")
    grid = figure.subplots(len(modes), len(worlds), squeeze=False, sharex=True, sharey=True)
    for row, mode in enumerate(modes):
        for column, world in enumerate(worlds):
            axis: Axes = grid[row][column]
            mine = select(cells, world=world, mode=mode, budget=largest)
            left = [0.0] * len(mine)
            for cause, colour in CAUSES.items():
                answers = [cell["items"] * len(cell["accuracy"]["seeds"]) for cell in mine]
                shares = [cell["causes"][cause] / n for cell, n in zip(mine, answers, strict=True)]
                axis.barh([NAMES[cell["arm"]] for cell in mine], shares, left=left, color=colour, label=cause)
                left = [a + b for a, b in zip(left, shares, strict=True)]
            axis.set_xlim(0, 1)
            axis.tick_params(labelsize=8)
            axis.set_title(f"{named(world)}, {MODES[mode]}", fontsize=9)
    grid[0][0].invert_yaxis()  # of all: they share it
    figure.supxlabel(
        f"share of all answers; budget {largest:,}; perception: what was shown is miscopied; strategic: true steps that miss "
        "the goal",
        fontsize=9,
    )
    legend(figure, grid[0][0])
    return figure


def differences(comparisons: Sequence[dict[str, Any]]) -> Figure:
    """Imagery, then traces, less each other arm: points with 95 % intervals, budget by budget, mean over worlds."""
    figure = Figure(figsize=(9.0, 1.0 + 0.55 * sum(len(c["means"]) for c in comparisons) / 2), layout="constrained")
    modes = list(dict.fromkeys(row["mode"] for row in comparisons[0]["means"]))
    grid = figure.subplots(1, len(modes), squeeze=False, sharey=True, sharex=True)
    for column, mode in enumerate(modes):
        axis: Axes = grid[0][column]
        names, place = [], 0
        for comparison in comparisons:
            for row in (row for row in comparison["means"] if row["mode"] == mode):
                effect = row["difference"]
                axis.plot([100 * effect["low"], 100 * effect["high"]], [place, place], color="#4477aa", lw=1.5)
                found = row["p_holm"] is not None and row["p_holm"] < LEVEL
                axis.plot(
                    [100 * effect["mean"]],
                    [place],
                    "o",
                    color="#4477aa" if found else "white",
                    mec="#4477aa",
                )
                axis.plot(
                    [100 * seed for seed in effect["seeds"]], [place] * len(effect["seeds"]), "|", color="#999999", ms=6
                )
                names.append(f"less {NAMES[comparison['a']]}, {row['budget']:,}")
                place += 1
        axis.axvline(0, color="#555555", lw=0.8)
        axis.set_yticks(range(place), names, fontsize=8)
        axis.set_title(MODES[mode], fontsize=9)
    grid[0][0].invert_yaxis()
    figure.supxlabel(
        "imagery, then traces, less the arm named: points; bar: 95 % interval (one by one); | seeds; filled: p < .05 after Holm",
        fontsize=9,
    )
    return figure


def values(cells: Cells, key: str) -> list[Any]:
    """The different values of a key, in their order."""
    return list(dict.fromkeys(cell[key] for cell in cells))


def select(cells: Cells, **wanted: Any) -> Cells:
    """The cells with these values."""
    return [cell for cell in cells if all(cell[key] == value for key, value in wanted.items())]


def named(world: str) -> str:
    return "mean" if world == EVERY else world.replace("_", " ")


def legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=8, frameon=False)


if __name__ == "__main__":
    main()
