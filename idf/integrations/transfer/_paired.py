"""Two models on the items of a benchmark, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from idf.errors import UserError
from idf.evaluation import PairTable, holm, mcnemar, newcombe_paired, student95, student_within

from ._benchmarks import Benchmark
from ._scores import Scores


def compare_scores(benchmark: Benchmark, base: Scores, checkpoint: Scores) -> dict[str, Any]:
    """Compare two models on the items that both were asked.

    Args:
        benchmark: Whose scores they are.
        base: Scores of the model before training.
        checkpoint: Scores of the model after.

    Returns:
        "benchmark", "task"; "n" items; "only_base", "only_checkpoint": items left out because the other has none; "base",
        "checkpoint": mean scores over items; "difference"; "ci95": (low, high), None if all differ by the same; "p";
        "test": "mcnemar" (each item is right or wrong, and stands alone) or "t" (over clusters); "clusters"; "wins",
        "losses": items that the checkpoint answers better, worse.

    Raises:
        UserError: They have no item in common, or an item with two right answers.
    """
    keys = sorted(base.keys() & checkpoint.keys())
    if not keys:
        raise UserError(f"base and checkpoint have no item of {benchmark.task} in common: ask both the same items")
    for task, number in keys:
        if base[task, number].target != checkpoint[task, number].target:
            raise UserError(
                f"item {number} of {task} has another right answer in base than in checkpoint: their questions differ"
            )
    pairs = [(base[key].value, checkpoint[key].value) for key in keys]
    differences = [after - before for before, after in pairs]
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    clusters: dict[str, float] = {}
    for key, difference in zip(keys, differences, strict=True):
        clusters[base[key].cluster] = clusters.get(base[key].cluster, 0.0) + difference
    found: dict[str, Any] = {
        "benchmark": benchmark.name,
        "task": benchmark.task,
        "n": len(keys),
        "only_base": len(base.keys() - checkpoint.keys()),
        "only_checkpoint": len(checkpoint.keys() - base.keys()),
        "base": fmean(before for before, _ in pairs),
        "checkpoint": fmean(after for _, after in pairs),
        "difference": fmean(differences),
        "clusters": len(clusters),
        "wins": wins,
        "losses": losses,
    }
    if len(clusters) == len(keys) and all(value in (0.0, 1.0) for pair in pairs for value in pair):
        both = sum(before == after == 1.0 for before, after in pairs)
        table = PairTable(both, wins, losses, len(keys) - both - wins - losses)
        return found | {"test": "mcnemar", "ci95": newcombe_paired(table), "p": mcnemar(wins, losses)}
    bounds, p = _paired_t(list(clusters.values()), len(keys))
    return found | {"test": "t", "ci95": bounds, "p": p}


def _paired_t(totals: Sequence[float], items: int) -> tuple[tuple[float, float] | None, float]:
    """Interval of the mean over items and p of the paired t-test, from the summed differences of each cluster."""
    count = len(totals)
    spread = stdev(totals) / sqrt(count) if count > 1 else 0.0
    if spread < 1e-12:  # all alike: there is no spread to reckon with, and signs are all that is left
        return None, mcnemar(count, 0) if any(totals) else 1.0
    mean = fmean(totals)
    half, per_item = student95(count - 1) * spread, count / items
    low, high = (mean - half) * per_item, (mean + half) * per_item
    return (max(-1.0, low), min(1.0, high)), 1 - student_within(abs(mean) / spread, count - 1)


def correct_together(rows: Sequence[dict[str, Any]]) -> None:
    """Add "p_holm" to rows: their p, corrected for their number."""
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
