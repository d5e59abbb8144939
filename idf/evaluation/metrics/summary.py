"""From scored rows to the numbers of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil, sqrt
from statistics import fmean, median
from typing import Any

from .abstaining import abstaining
from .bootstrap import DRAWS, SEED, macro95
from .efficiency import efficiency
from .episodes import episode_numbers
from .power import detectable_flips, detectable_pairs
from .problems import tallies
from .row import Row
from .statistics import detectable, effective_rows, pass_at_k, wilson
from .tokens import per_correct, tokens_of

ALL = "all"
UNREADABLE = ("unparsed", "empty", "refused")
"""Classes of error in which no answer could be read."""


def cell(rows: Sequence[Row]) -> dict[str, Any]:
    """The numbers of one cell. Every row is in the denominator.

    `official_accuracy` is the published scorer's rule on answers that our reader found (its own reader is a language
    model): it leaves out empty responses and plans that cannot be parsed or break a rule, and is None where it would have
    nothing left to divide by.

    The interval is Wilson's. Where a problem has several rows, it is taken at the effective number of rows; see
    `effective_rows`.
    """
    n, correct = len(rows), sum(row.correct for row in rows)
    clusters = tallies(rows)
    worth = effective_rows(clusters)
    counted = [row.official for row in rows if row.official >= 0]
    tokens = sorted(count for row in rows if (count := tokens_of(row)) is not None)
    on_correct = [count for row in rows if row.correct and (count := tokens_of(row)) is not None]
    on_wrong = [count for row in rows if not row.correct and (count := tokens_of(row)) is not None]
    errors = Counter(row.error for row in rows)
    detours = [row.moves / row.optimal for row in rows if row.correct and row.moves is not None and row.optimal]
    numbers: dict[str, Any] = {
        "n": n,
        "items": len(clusters),
        "correct": correct,
        "accuracy": correct / n,
        "wilson95": wilson(correct, n) if worth == n else wilson(correct / n * worth, worth),
        "effective_n": worth,
        "detectable": detectable(worth),
        "detectable_paired": _detectable_paired(n, len(clusters), worth),
        "official_accuracy": sum(counted) / len(counted) if counted else None,
        "parse_failures": sum(errors[name] for name in UNREADABLE),
        "unparsed": errors["unparsed"],
        "empty": errors["empty"],
        "refused": errors["refused"],
        "illegal": errors["illegal"],
        "incomplete": errors["incomplete"],
        "wrong": errors["wrong"],
        "unfinished": errors["truncated"],
        "errors": errors["error"],
        "truncated": sum(row.finish_reason == "length" for row in rows),
        "solved_prefix": sum(row.solved_prefix is not None for row in rows),
        "causes": dict(sorted(Counter(row.cause for row in rows if row.cause is not None).items())),
        "tokens_known": len(tokens),
        "tokens_median": median(tokens) if tokens else None,
        "tokens_p90": tokens[ceil(0.9 * len(tokens)) - 1] if tokens else None,
        "tokens_median_correct": median(on_correct) if on_correct else None,
        "tokens_median_wrong": median(on_wrong) if on_wrong else None,
        "tokens_per_correct": per_correct(rows),
        "moves_over_optimal": fmean(detours) if detours else None,
    }
    if seconds := sorted(row.seconds for row in rows if row.seconds is not None):
        numbers |= {"seconds_median": median(seconds), "seconds_p90": seconds[ceil(0.9 * len(seconds)) - 1]}
    if told := episode_numbers(rows):
        numbers["episodes"] = told
    samples = Counter(row.id for row in rows)
    if (least := min(samples.values())) > 1:
        right = Counter(row.id for row in rows if row.correct)
        powers = {2**i for i in range(least.bit_length()) if 2**i <= least} | {least}
        numbers["pass_at_k"] = {
            str(k): fmean(pass_at_k(samples[id], right[id], k) for id in samples) for k in sorted(powers)
        }
    return numbers


def _detectable_paired(n: int, problems: int, worth: float) -> float | None:
    """The smallest difference that `idf compare` finds in 80 % of runs on the same items, near 50 % and with correlation .5."""
    if problems == n:
        return detectable_pairs(n)
    # 2 p (1 - p) (1 - r) is the variance of the difference of a row that is worth one.
    return detectable_flips(problems, sqrt(2 * 0.25 * (1 - 0.5) * problems / worth))


def summarize(rows: Sequence[Row], *, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """What `results.json` says, but for the run and the baselines.

    Args:
        rows: The scored rows.
        draws: Of the bootstrap.
        seed: Of the bootstrap; the same rows and seed give the same figures everywhere.

    Returns:
        "worlds": world -> mode -> difficulty (and "all") -> `cell`; "macro_accuracy": mode -> mean over worlds; "macro":
        mode -> that mean with its interval and tokens; "efficiency": world -> mode -> `efficiency`; and, if there are rows of
        worlds that show a scene in part, "abstaining": world -> mode -> difficulty (and "all") -> `abstaining_cell`.
    """
    worlds: dict[str, dict[str, dict[str, Any]]] = {}
    efficiencies: dict[str, dict[str, Any]] = {}
    strata: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for world in sorted({row.world for row in rows}):
        for mode in sorted({row.mode for row in rows if row.world == world}):
            mine = [row for row in rows if row.world == world and row.mode == mode]
            cells = {ALL: cell(mine)}
            for difficulty in ("easy", "medium", "hard"):
                if some := [row for row in mine if row.difficulty == difficulty]:
                    cells[difficulty] = cell(some)
            worlds.setdefault(world, {})[mode] = cells
            efficiencies.setdefault(world, {})[mode] = efficiency(mine)
            strata.setdefault(mode, {})[world] = tallies(mine)
    macro = {}
    for mode in sorted(strata):
        cells_of_mode = [worlds[world][mode][ALL] for world in strata[mode]]
        of_mode = [row for row in rows if row.mode == mode]
        known = [count for row in of_mode if (count := tokens_of(row)) is not None]
        macro[mode] = {
            "accuracy": sum(numbers["accuracy"] for numbers in cells_of_mode) / len(cells_of_mode),
            "bootstrap95": macro95(strata[mode], f"macro {mode}", draws, seed),
            "wilson95": joined([(numbers["accuracy"], *numbers["wilson95"]) for numbers in cells_of_mode]),
            "draws": draws,
            "seed": seed,
            "clusters": sum(map(len, strata[mode].values())),
            "tokens_median": median(known) if known else None,
            "tokens_per_correct": per_correct(of_mode),
        }
    return {
        "worlds": worlds,
        "macro_accuracy": {mode: numbers["accuracy"] for mode, numbers in macro.items()},
        "macro": macro,
        "efficiency": efficiencies,
        **({} if (told := abstaining(rows)) is None else {"abstaining": told}),
    }


def joined(shares: Sequence[tuple[float, float, float]], least: float = 0.0) -> tuple[float, float]:
    """The interval of a mean of independent shares from theirs: squares of the distances add (Zou & Donner 2008).

    It does not shrink to a point where every share is 0 or 1, as every bootstrap does.

    Args:
        shares: (share, low, high) of each; or differences of shares.
        least: What no share can be below.
    """
    count = len(shares)
    mean = sum(share for share, _, _ in shares) / count
    below = sqrt(sum((share - low) ** 2 for share, low, _ in shares)) / count
    above = sqrt(sum((high - share) ** 2 for share, _, high in shares)) / count
    return max(least, mean - below), min(1.0, mean + above)
