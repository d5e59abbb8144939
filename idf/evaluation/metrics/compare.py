"""Two evaluations of the same items, compared item by item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, lcm, log
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from .bootstrap import DRAWS, SEED, macro95, mean95
from .comparable import check_comparable, common_modes
from .power import detectable_flips, detectable_pairs
from .problems import problem_of
from .results import read_run
from .row import Row
from .statistics import Table, holm, mcnemar, newcombe_paired, sign_flip
from .summary import joined
from .tokens import tokens_of

FEWEST_PROBLEMS = 5
"""Below, a bootstrap of a ratio says more than it knows."""

Items = Mapping[str, Sequence[Row]]
"""Item id -> its samples."""


def compare(first: Path, second: Path, *, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """Compare two folders that `idf-eval` wrote, in the modes that both have; differences are the second's minus the first's.

    Args:
        first: Folder with `samples.jsonl` and `results.json`, called A.
        second: The same, called B.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        "a", "b": "folder", "evaluated" and "left_out", the modes that the other has not; "warnings"; "tasks": one for each
        world and mode, see `compare_task`, with "p_holm", corrected for their number; "macro": mode -> "accuracy_a",
        "accuracy_b", "difference", "bootstrap95", "joined95" (from the tasks' intervals: it has the spread of worlds whose
        problems all differ by the same); "draws"; "seed".

    Raises:
        UserError: A folder cannot be read or is not whole, or the two have no mode in common, or differ in items, prompts,
            pictures or the version of the scoring rules.
    """
    runs = [read_run(folder) for folder in (first, second)]
    results, samples = [run.results for run in runs], [run.rows for run in runs]
    names = (f"A ({first})", f"B ({second})")
    modes, left_out = common_modes(names, samples)
    samples = [[row for row in rows if row.mode in modes] for rows in samples]
    warnings = [
        f"left out: {', '.join(alone)} of {names[i]}, which {names[1 - i]} was not asked"
        for i, alone in enumerate(left_out)
        if alone
    ]
    warnings += check_comparable(names, [one["run"] for one in results], samples)
    tasks, macro = compare_rows(samples[0], samples[1], draws, seed)
    return {
        "a": {"folder": str(first), "evaluated": results[0]["run"].get("evaluated"), "left_out": left_out[0]},
        "b": {"folder": str(second), "evaluated": results[1]["run"].get("evaluated"), "left_out": left_out[1]},
        "warnings": warnings,
        "tasks": tasks,
        "macro": macro,
        "draws": draws,
        "seed": seed,
    }


def compare_rows(
    first: Sequence[Row], second: Sequence[Row], draws: int = DRAWS, seed: int = SEED
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Compare two lists of rows of the same items and modes.

    Returns:
        "tasks" and "macro" of `compare`.
    """
    grouped = [_by_task(rows) for rows in (first, second)]
    tasks: list[dict[str, Any]] = []
    strata: dict[str, dict[str, list[tuple[float, int]]]] = defaultdict(dict)
    for world, mode in sorted(grouped[0]):
        a, b = grouped[0][world, mode], grouped[1][world, mode]
        tasks.append({"world": world, "mode": mode, **compare_task(a, b, f"{world} {mode}", draws, seed)})
        strata[mode][world] = _clusters(a, _differences(a, b))
    for task, p in zip(tasks, holm([task["p"] for task in tasks])):
        task["p_holm"] = p
    macro = {}
    for mode, worlds in strata.items():
        mine = [task for task in tasks if task["mode"] == mode]
        accuracy_a, accuracy_b = (fmean(task[key] for task in mine) for key in ("accuracy_a", "accuracy_b"))
        macro[mode] = {
            "accuracy_a": accuracy_a,
            "accuracy_b": accuracy_b,
            "difference": accuracy_b - accuracy_a,
            "bootstrap95": macro95(worlds, f"compare {mode}", draws, seed),
            "joined95": joined([(task["difference"], *task["ci95"]) for task in mine], least=-1.0),
        }
    return tasks, macro


def compare_task(a: Items, b: Items, name: str, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """Compare two runs on the items of one world and mode.

    With one sample of each item, and no problem twice: McNemar's exact test, and Newcombe's interval. Else the samples of
    an item are averaged first, and problems are what is drawn: the exact sign-flip test, and a cluster bootstrap.

    Returns:
        "n" items; "problems"; "samples": [most per item of a, of b]; "accuracy_a", "accuracy_b": means over items;
        "difference"; "ci95"; "interval": "newcombe" or "bootstrap"; "test": "mcnemar" or "sign flip"; "p"; "wins",
        "losses": ids of items on which b does better, worse; "tokens": see `token_ratio`; "detectable": the smallest
        difference that this test finds in 80 % of runs at the 5 % level, before Holm's correction: McNemar's near 50 % if the
        two runs' answers correlate by .5, the sign-flip test if differences spread as they do here. None if there is none.
    """
    differences = _differences(a, b)
    n, problems = len(a), len({problem_of(rows[0]) for rows in a.values()})
    wins = [id for id, difference in differences.items() if difference > 0]
    losses = [id for id, difference in differences.items() if difference < 0]
    share_a, share_b = (fmean(_share(rows) for rows in items.values()) for items in (a, b))
    most = [max(map(len, items.values())) for items in (a, b)]
    clusters = _clusters(a, differences)
    if most == [1, 1] and problems == n:
        both = sum(a[id][0].correct and b[id][0].correct for id in a)
        pairs = Table(both, len(wins), len(losses), n - both - len(wins) - len(losses))
        test, p, interval, bounds = "mcnemar", mcnemar(len(wins), len(losses)), "newcombe", newcombe_paired(pairs)
        found = detectable_pairs(n)
    else:
        unit = lcm(*(len(rows) for items in (a, b) for rows in items.values()))
        test, p = "sign flip", sign_flip(round(total * unit) for total, _ in clusters)
        interval, bounds = "bootstrap", mean95(clusters, f"compare {name}", draws, seed)
        found = _detectable_flips(clusters)
        if bounds[0] == bounds[1]:
            # All problems differ by the same, or not at all: a bootstrap would promise that others do, too.
            interval, bounds = "newcombe", newcombe_paired(_as_pairs(problems, share_a, share_b))
    return {
        "n": n,
        "problems": problems,
        "samples": most,
        "accuracy_a": share_a,
        "accuracy_b": share_b,
        "difference": share_b - share_a,
        "ci95": bounds,
        "interval": interval,
        "test": test,
        "p": p,
        "wins": wins,
        "losses": losses,
        "tokens": token_ratio(a, b, f"tokens {name}", draws, seed),
        "detectable": found,
    }


def token_ratio(a: Items, b: Items, name: str, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any] | None:
    """The tokens of b for each token of a, on items that both have right: otherwise a run that gives up would look cheap.

    Returns:
        "items"; "ratio": the geometric mean; "ci95": by cluster bootstrap, None with fewer than five problems. None if there
        is no such item.
    """
    logs = {}
    for id in a:
        lengths = [
            [log(count) for row in items[id] if row.correct and (count := tokens_of(row)) is not None]
            for items in (a, b)
        ]
        if all(lengths):
            logs[id] = fmean(lengths[1]) - fmean(lengths[0])
    if not logs:
        return None
    clusters = _clusters(a, logs)
    bounds = mean95(clusters, name, draws, seed) if len(clusters) >= FEWEST_PROBLEMS else None
    return {
        "items": len(logs),
        "ratio": exp(fmean(logs.values())),
        "ci95": bounds and (exp(bounds[0]), exp(bounds[1])),
    }


def _detectable_flips(clusters: Sequence[tuple[float, int]]) -> float | None:
    """What the sign-flip test over problems finds, as a difference of accuracies over items."""
    problems, items = len(clusters), sum(n for _, n in clusters)
    spread = stdev(total for total, _ in clusters) if problems > 1 else 0.0
    # All alike says nothing of how others would differ: then as if each problem had one sample.
    found = detectable_flips(problems, spread) if spread else detectable_pairs(problems)
    return None if found is None else found * problems / items


def _as_pairs(n: int, share_a: float, share_b: float) -> Table:
    """So many pairs with these shares, of which as few as can be differ."""
    changed = round(n * abs(share_b - share_a))
    both = min(round(n * min(share_a, share_b)), n - changed)
    up = share_b > share_a
    return Table(both, changed if up else 0, 0 if up else changed, n - both - changed)


def _by_task(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, list[Row]]]:
    tasks: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        tasks.setdefault((row.world, row.mode), {}).setdefault(row.id, []).append(row)
    return tasks


def _share(rows: Sequence[Row]) -> float:
    return sum(row.correct for row in rows) / len(rows)


def _differences(a: Items, b: Items) -> dict[str, float]:
    return {id: _share(b[id]) - _share(a[id]) for id in a}


def _clusters(items: Items, values: Mapping[str, float]) -> list[tuple[float, int]]:
    """(sum, items) of the values of each problem."""
    found: dict[str, list[float]] = {}
    for id, value in values.items():
        found.setdefault(problem_of(items[id][0]), []).append(value)
    return [(sum(mine), len(mine)) for mine in found.values()]
