"""Writes the table of docs/speed.md: what was wanted of speed and memory, what was found, and why if a goal is not reached.

`python bench/goals.py` reads the results of the other scripts under bench/results/; a test holds the page to it. A goal that is
not reached must have a reason here, or nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train_table import with_text

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench/results"
PAGE = ROOT / "docs/speed.md"
OLD = "82a73e8"
Result = dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """A line of the table.

    Attributes:
        what: What is measured.
        against: Beside what.
        wanted: At least so many times as fast, or at most that share.
        file: The result's name under bench/results/, without its ending.
        found: What it says: times as fast, or the share.
        at_most: Whether less is better: a share, not times.
        why_not: The reason, where the goal is not reached.
    """

    what: str
    against: str
    wanted: float
    file: str
    found: Callable[[Result], float]
    at_most: bool = False
    why_not: str = ""

    def line(self, result: Result) -> str:
        """As a row of Markdown.

        Raises:
            ValueError: It is not reached, and no reason is known.
        """
        found = self.found(result)
        reached = found <= self.wanted if self.at_most else found >= self.wanted
        if not reached and not self.why_not:
            raise ValueError(
                f"{self.what} against {self.against}: {found} is not {self.wanted}, and no reason is given"
            )
        wanted = f"{'at most ' if self.at_most else ''}{self.wanted:.2f}"
        said = "reached" if reached else f"**not reached**: {self.why_not}"
        file = f"[{self.file}.json](../bench/results/{self.file}.json)"
        return f"| {self.what} | {self.against} | {wanted} | {found:.2f} | {said} | {file} |"


def _step(model: str, tokens: str) -> Callable[[Result], float]:
    return lambda result: float(result["models"][model]["rows_of"][tokens]["whole_times_as_fast"])


def _best_trainer(result: Result) -> float:
    """Our rows of 2,560 beside the fastest setting of Trainer in that file."""
    ways = result["ways"]
    best = max(way["useful_tokens_per_cpu_second"] for name, way in ways.items() if name.startswith("Trainer"))
    return float(ways["packed"]["useful_tokens_per_cpu_second"] / best)


def _most_memory(result: Result) -> float:
    """The largest share of a peer's memory that ours takes at as many positions."""
    return max(float(row["share"]) for row in result["memory"])


def _times(way: str, against: str) -> Callable[[Result], float]:
    return lambda result: float(result["times"][f"{way}, against {against}"])


def _data(part: str) -> Callable[[Result], float]:
    return lambda result: float(result["times_as_long"][part])


def _growth(result: Result) -> float:
    small, large = (result["candidates"][number]["here"]["peak_mib"] for number in ("8000", "80000"))
    return float(large / small)


_OUTLINES = (
    "most of the time is aggdraw's ([profile](../bench/results/drawing_share.json)), which fills the outlines of cubes and "
    "arrows, and the same pixels need the same outlines"
)
_LIBRARIES = (
    "importing the same libraries and loading is a third of our time; of the rest, most is transformers' own forward pass, "
    "token by token, on both sides"
)
_PICTURES = (
    f"{OLD} opened no picture here, and we check each; the rest is mostly the tokenizer's time, and starting a process"
)

GOALS = (
    Goal("whole step, rows of 8,192, the bench's model", "`sdpa`, as before", 2.5, "attention", _step("bench", "8192")),
    Goal("whole step, rows of 8,192, the tiny model", "`sdpa`, as before", 3.0, "attention", _step("tiny", "8192")),
    Goal("whole step, rows of 2,560", "`sdpa`, as before", 1.25, "attention", _step("bench", "2560")),
    Goal("useful tokens a CPU-second, rows of 2,560", "the best of Trainer", 1.1, "train", _best_trainer),
    Goal(
        "useful tokens a CPU-second, rows of 8,192, each sample with a picture",
        "LLaMA-Factory `neat_packing`",
        1.5,
        "llama_factory",
        lambda result: float(
            result["ways"]["LLaMA-Factory, neat_packing"]["ours_times"]["packed in long rows"]["times"]
        ),
    ),
    Goal("memory that a step adds, equal positions", "each peer", 0.8, "train", _most_memory, at_most=True),
    Goal(
        "`idf-eval`, 300 items, start-up aside", OLD, 1.5, "evaluation_speed", _times("300 items, start-up aside", OLD)
    ),
    Goal(
        "`idf-eval`, 300 items, whole process",
        "lmms-eval 0.7.3",
        3.0,
        "evaluation_speed",
        _times("300 items", "lmms-eval"),
        why_not=_LIBRARIES,
    ),
    Goal(
        "3,150 stored responses, nothing cached",
        OLD,
        2.0,
        "evaluation_speed",
        _times("3,150 stored responses", OLD),
        why_not="it was 2.36 until `idf-eval` compared modes and named the first wrong step of every response, as here",
    ),
    Goal("imagery, processor time", OLD, 1.15, "data_speed", _data("imagery_cpu_seconds")),
    Goal("Mental Rotation's pictures, clean", OLD, 2.0, "data_speed", _data("mental_rotation_ms"), why_not=_OUTLINES),
    Goal("the same, with noise", OLD, 2.0, "data_speed", _data("mental_rotation_noise_ms"), why_not=_OUTLINES),
    Goal("Moving Box's drafts", OLD, 2.0, "data_speed", _data("moving_box_draft_ms")),
    Goal(
        "20,000 samples to tokens, two processes, by the clock",
        OLD,
        3.0,
        "encoding",
        lambda result: 1 / float(result["ratios"][OLD]["2 workers"]["wall_left"]),
        why_not=_PICTURES,
    ),
    Goal("`idf filter`, memory at 80,000 candidates", "at 8,000", 1.25, "filter_memory", _growth, at_most=True),
)


def table() -> str:
    """All goals, in Markdown.

    Raises:
        ValueError: A goal is not reached, and no reason is given.
    """
    lines = ["| what | against | wanted | found | | result |", "| --- | --- | --- | --- | --- | --- |"]
    for goal in GOALS:
        lines.append(goal.line(json.loads((RESULTS / f"{goal.file}.json").read_text())))
    return "\n".join(lines)


def main() -> None:
    PAGE.write_text(with_text(PAGE.read_text(), table(), "goals"))


if __name__ == "__main__":
    main()
