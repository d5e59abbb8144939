"""The files of a leaderboard: Markdown, CSV and a plot."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..metrics.summary import ALL
from .leaderboard import Group, leaderboard_markdown
from .plots import draw_leaderboard
from .tables import macro_interval


def leaderboard_csv(groups: Sequence[Group]) -> str:
    """A line for each run: its group, then accuracy and interval of each mean, world and mode, and tokens."""
    lines: list[dict[str, Any]] = []
    for group in groups:
        for name, results in group.runs.items():
            line: dict[str, Any] = {"asked": group.title, "run": name}
            for mode, macro in results["macro"].items():
                low, high = macro_interval(macro)
                line |= {f"{mode} mean": macro["accuracy"], f"{mode} mean low": low, f"{mode} mean high": high}
                line |= {f"{mode} {key}": macro[key] for key in ("tokens_median", "tokens_per_correct")}
                for world, modes in results["worlds"].items():
                    if cell := modes.get(mode, {}).get(ALL):
                        low, high = cell["wilson95"]
                        line |= {f"{mode} {world}": cell["accuracy"], f"{mode} {world} low": low}
                        line |= {f"{mode} {world} high": high, f"{mode} {world} n": cell["n"]}
            lines.append(line)
    columns = list(dict.fromkeys(key for line in lines for key in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def write_leaderboard(groups: Sequence[Group], out: Path) -> list[Path]:
    """Write `leaderboard.md`, `leaderboard.csv` and `leaderboard.png`.

    Returns:
        Their paths.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"leaderboard.{kind}" for kind in ("md", "csv", "png")]
    paths[0].write_text(leaderboard_markdown(groups), encoding="utf-8")
    paths[1].write_text(leaderboard_csv(groups), encoding="utf-8")
    draw_leaderboard(groups, paths[2])
    return paths
