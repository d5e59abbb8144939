"""Many evaluations in one table for each suite, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from idf.scoring.rules_version import RULES_VERSION

from ..metrics.comparable import rules_of
from ..metrics.results import read_whole
from ..metrics.summary import ALL
from .markdown import markdown, markdown_list, markdown_table
from .tables import IN_BRACKETS, MEAN, MEANINGS, PER_RIGHT, aligned, interval, macro_interval, number, percent

_LEGEND = (
    IN_BRACKETS,
    f"tokens: {MEANINGS['tokens']}",
    f"{PER_RIGHT}: {MEANINGS[PER_RIGHT]}",
    "the first of many is partly lucky: idf compare tests two runs item by item",
)


class Group(NamedTuple):
    """Runs that were asked the same: only they stand in one table.

    Attributes:
        title: What they were asked.
        runs: Name -> what `results.json` says; the best mean over worlds first.
    """

    title: str
    runs: dict[str, dict[str, Any]]


def leaderboard(folders: Mapping[str, Path]) -> list[Group]:
    """The evaluations, in groups that were asked the same suite with the same prompts and pictures, and judged by the same rules.

    Args:
        folders: Name -> folder that `idf-eval` wrote.

    Raises:
        UserError: A folder holds no results, or samples that are not theirs, or those of a version that wrote no intervals.
    """
    read = {name: read_whole(folder) for name, folder in folders.items()}
    # Said where it tells runs apart.
    several = len({rules_of(results["run"]) for results in read.values()}) > 1
    groups: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    titles: dict[tuple[str, ...], str] = {}
    for name, results in read.items():
        run = results["run"]
        # Baselines and stored responses read no prompt: they stand with whoever was asked the same suite.
        asked = {key: run[key] for key in ("prompts", "pictures", "damage") if run.get(key)}
        suite = str(run.get("suite_sha256") or f"{run.get('suite')} with {run.get('items')} items")
        rules = f"scoring rules of {rules_of(run)}" if several else ""
        key = (suite, rules, *(f"{name} {value}" for name, value in asked.items()))
        groups.setdefault(key, {})[name] = results
        shown = [f"suite {run.get('suite')}", f"{run.get('items')} items", *filter(None, key[1:])]
        titles.setdefault(key, ", ".join(shown))
    for key in [key for key in groups if len(key) == 2]:
        homes = [other for other in groups if len(other) > 2 and other[:2] == key]
        for home in homes:
            groups[home] = {**groups[home], **groups[key]}
        if homes:
            del groups[key]
    return [Group(titles[key], dict(sorted(runs.items(), key=_rank))) for key, runs in groups.items()]


def _rank(entry: tuple[str, dict[str, Any]]) -> tuple[float, str]:
    """Best mean over worlds first; over several modes, their mean."""
    shares = [numbers["accuracy"] for numbers in entry[1]["macro"].values()]
    return -sum(shares) / len(shares), entry[0]


def modes_of(group: Group) -> list[str]:
    """The modes that some run of a group has."""
    return sorted({mode for results in group.runs.values() for mode in results["macro"]})


def mode_table(group: Group, mode: str) -> list[tuple[str, ...]]:
    """A header and a line for each run of a group that has the mode, best first."""
    runs = {name: results for name, results in group.runs.items() if mode in results["macro"]}
    worlds = sorted({world for results in runs.values() for world, modes in results["worlds"].items() if mode in modes})
    lines = [("run", MEAN, *worlds, "tokens", PER_RIGHT)]
    for name, results in sorted(runs.items(), key=lambda entry: -entry[1]["macro"][mode]["accuracy"]):
        macro = results["macro"][mode]
        cells = [results["worlds"].get(world, {}).get(mode, {}).get(ALL) for world in worlds]
        lines.append(
            (
                name,
                f"{percent(macro['accuracy'])} ({interval(macro_interval(macro))})",
                *(
                    "-" if cell is None else f"{percent(cell['accuracy'])} ({interval(cell['wilson95'])})"
                    for cell in cells
                ),
                number(macro["tokens_median"]),
                number(macro["tokens_per_correct"]),
            )
        )
    return lines


def leaderboard_text(groups: Sequence[Group]) -> str:
    """The tables as aligned text, one for each group and mode, and what their columns mean."""
    parts = [_separate(groups)] if len(groups) > 1 else []
    for group in groups:
        for mode in modes_of(group):
            parts += ["\n".join([f"{group.title}, {mode}", *aligned(mode_table(group, mode))])]
    return "\n\n".join([*parts, "\n".join(_LEGEND)])


def leaderboard_markdown(groups: Sequence[Group]) -> str:
    """The tables in GitHub's Markdown."""
    parts = ["# Leaderboard"]
    if len(groups) > 1:
        parts.append(_separate(groups))
    for group in groups:
        for mode in modes_of(group):
            parts += [f"## {markdown(group.title)}, {mode}", markdown_table(mode_table(group, mode))]
    parts.append(markdown_list(_LEGEND))
    return "\n\n".join(parts) + "\n"


def _separate(groups: Sequence[Group]) -> str:
    said = (
        f"These runs were asked {len(groups)} different things (suite, prompts or pictures) or judged by different scoring "
        "rules: numbers of different tables cannot be compared."
    )
    if len({rules_of(results["run"]) for group in groups for results in group.runs.values()}) > 1:
        said += (
            f" idf-eval --rescore DIR judges the responses of a run again, by today's rules (version {RULES_VERSION})."
        )
    return said
