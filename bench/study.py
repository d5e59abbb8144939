"""Draws every figure and table of the miniature study from its committed JSON: `python bench/study.py`.

--results FOLDER (bench/results/study) holds what `launch/study.sh` wrote, --out FOLDER (docs/study) receives `tables.md` and the
figures. With --numbers, the summary is computed anew from `outcomes.json` first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from idf.study import EVERY, NAMES, NO_CLAIM, read_study, summarize, tables, unfinished

ROOT = Path(__file__).parents[1]
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
PLAYERS = {"initial": "-", "random": ":"}
"""The trivial players: one reads the answer off the start, one guesses."""
MODES = {"tqa": "text shown", "vtqa": "text and picture shown", "vqa": "picture shown"}

Cells = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=ROOT / "bench/results/study")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/study")
    parser.add_argument("--numbers", action="store_true", help="compute the summary anew from outcomes.json")
    arguments = parser.parse_args()
    if arguments.numbers:
        summary = json.loads(json.dumps(summarize(read_study(arguments.results))))
    else:
        summary = json.loads((arguments.results / "summary.json").read_text())
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "tables.md").write_text(tables(summary))
    cells = summary["cells"]
    note = (unfinished(summary) if summary["claims"] else NO_CLAIM).replace("*", "")
    for name, figure in {
        "curves": curves(cells, "accuracy", "accuracy", summary["players"]),
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
    """A number against the budget: the mean of each arm, a band from the lowest seed to the highest, and every seed."""
    worlds, modes = values(cells, "world"), values(cells, "mode")
    figure = Figure(figsize=(3.1 * len(worlds), 2.9 * len(modes) + 0.6), layout="constrained")
    grid = figure.subplots(len(modes), len(worlds), squeeze=False, sharex=True, sharey=True)
    for row, mode in enumerate(modes):
        for column, world in enumerate(worlds):
            axis: Axes = grid[row][column]
            for arm in values(cells, "arm"):
                mine = select(cells, arm=arm, world=world, mode=mode)
                budgets = [cell["budget"] for cell in mine]
                seeds = [cell[key]["seeds"] for cell in mine]
                axis.plot(
                    budgets, [cell[key]["mean"] for cell in mine], "o-", color=COLOURS[arm], label=NAMES[arm], ms=4
                )
                axis.fill_between(
                    budgets, [min(s) for s in seeds], [max(s) for s in seeds], color=COLOURS[arm], alpha=0.15
                )
                for budget, each in zip(budgets, seeds, strict=True):
                    axis.plot([budget] * len(each), each, ".", color=COLOURS[arm], ms=2.5, alpha=0.6)
            if players and world != EVERY:
                for player, style in PLAYERS.items():
                    axis.axhline(players[world][mode][player], ls=style, color="#555555", lw=0.9, label=f"({player})")
            axis.set_xscale("log")
            budgets = values(cells, "budget")
            axis.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
            axis.minorticks_off()
            axis.set_ylim(-0.02, 1.02)
            axis.grid(axis="y", color="#dddddd", linewidth=0.6)
            axis.set_title(f"{named(world)}, {MODES[mode]}", fontsize=9)
    figure.supxlabel("budget in optimizer updates (logarithmic); band: lowest to highest seed", fontsize=9)
    figure.supylabel(label, fontsize=9)
    legend(figure, grid[0][0])
    return figure


def lengths(cells: Cells) -> Figure:
    """Accuracy against the length of the solution, at the largest budget, over all seeds."""
    worlds, modes = [world for world in values(cells, "world") if world != EVERY], values(cells, "mode")
    largest = max(values(cells, "budget"))
    figure = Figure(figsize=(3.4 * len(worlds), 2.9 * len(modes) + 0.6), layout="constrained")
    grid = figure.subplots(len(modes), len(worlds), squeeze=False, sharey=True)
    for row, mode in enumerate(modes):
        for column, world in enumerate(worlds):
            axis: Axes = grid[row][column]
            for cell in select(cells, world=world, mode=mode, budget=largest):
                sizes = cell["by_size"]
                shares = [one["correct"] / one["n"] for one in sizes.values()]
                axis.plot(
                    [int(size) for size in sizes],
                    shares,
                    "o-",
                    color=COLOURS[cell["arm"]],
                    label=NAMES[cell["arm"]],
                    ms=4,
                )
            axis.set_ylim(-0.02, 1.02)
            axis.grid(axis="y", color="#dddddd", linewidth=0.6)
            axis.set_title(f"{named(world)}, {MODES[mode]}", fontsize=9)
    figure.supxlabel(f"steps of the (shortest) solution; budget {largest:,}", fontsize=9)
    figure.supylabel("accuracy", fontsize=9)
    legend(figure, grid[0][0])
    return figure


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
    figure.supxlabel(f"share of all answers; budget {largest:,}", fontsize=9)
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
                axis.plot(
                    [100 * effect["mean"]],
                    [place],
                    "o",
                    color="#4477aa" if row["p_holm"] < 0.05 else "white",
                    mec="#4477aa",
                )
                names.append(f"less {NAMES[comparison['a']]}, {row['budget']:,}")
                place += 1
        axis.axvline(0, color="#555555", lw=0.8)
        axis.set_yticks(range(place), names, fontsize=8)
        axis.set_title(MODES[mode], fontsize=9)
    grid[0][0].invert_yaxis()
    figure.supxlabel(
        "imagery, then traces, less the arm named: points, 95 % interval; filled: p < .05 after Holm", fontsize=9
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
