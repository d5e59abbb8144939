"""Writes bench/results/power.json: `.venv/bin/python bench/power.py`. How often the tests of `idf compare` find what is stated.

Pairs of runs are drawn whose accuracies differ by the stated smallest difference around 50 % and whose right answers
correlate by .5, and tested by the functions that `idf compare` tests with: McNemar's exact test on one sample of each item,
the sign-flip test on the sums of several samples. Beside them, the difference that was stated before, of a normal
approximation.
"""

from __future__ import annotations

import json
import sys
from math import sqrt
from pathlib import Path
from statistics import stdev

import numpy as np
from machine import command, machine

from idf.evaluation import mcnemar
from idf.evaluation.metrics.power import detectable_flips, detectable_pairs, power_of_pairs
from idf.evaluation.metrics.statistics import Z_POWER, Z, sign_flip

ROOT = Path(__file__).parents[1]
LEVEL = 0.05


def pairs(n: int, difference: float, runs: int, rng: np.random.Generator) -> float:
    """The share of runs in which McNemar's exact test finds a difference on n pairs."""
    variance = 0.25 - difference**2 / 4
    both = min(1.5 * variance, 0.5 - difference / 2)
    losses, wins = 0.5 - difference / 2 - both, 0.5 + difference / 2 - both
    drawn = rng.multinomial(n, [both, wins, losses, max(0.0, 1 - both - wins - losses)], size=runs)
    return sum(mcnemar(int(won), int(lost)) < LEVEL for _, won, lost, _ in drawn) / runs


def differences(problems: int, samples: int, gain: float, rng: np.random.Generator) -> list[int]:
    """The sums of differences of each problem: its chance to be solved varies, and a run's own luck adds to it."""
    chance = rng.beta(1, 1, problems)
    better = np.clip(chance + gain, 0, 1)
    drawn: list[int] = (rng.binomial(samples, better) - rng.binomial(samples, chance)).tolist()
    return drawn


def flips(problems: int, samples: int, runs: int, rng: np.random.Generator) -> dict[str, float]:
    """The share of runs in which the sign-flip test finds the difference that it is stated to find."""
    # The spread and the mean of many problems are those of the design; the gain is turned until the mean is the stated one.
    low, high = 0.0, 1.0
    for _ in range(16):
        gain = (low + high) / 2
        many = differences(40_000, samples, gain, np.random.default_rng(1))
        stated = detectable_flips(problems, stdev(many)) or 1.0
        low, high = (gain, high) if float(np.mean(many)) < stated else (low, gain)
    found = sum(sign_flip(differences(problems, samples, gain, rng)) < LEVEL for _ in range(runs)) / runs
    return {"problems": problems, "samples": samples, "stated": stated / samples, "found": found}


def main() -> None:
    """Draw and test; the first argument is the number of runs."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    rng = np.random.default_rng(0)
    told_pairs = []
    for n in (20, 30, 60, 200, 400, 1050):
        stated, before = detectable_pairs(n) or 1.0, (Z + Z_POWER) * sqrt(0.25 / n)
        told_pairs.append(
            {
                "pairs": n,
                "stated": stated,
                "found": pairs(n, stated, runs, rng),
                "stated_before": before,
                "found_before": pairs(n, before, runs, rng),
                "exact_power_before": power_of_pairs(n, before),
            }
        )
    several = [flips(problems, samples, runs // 2, rng) for problems in (20, 60, 200) for samples in (2, 4, 8)]
    told = {"runs": runs, "mcnemar": told_pairs, "sign_flip": several, "command": command(), "machine": machine()}
    out = ROOT / "bench/results/power.json"
    out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"mcnemar": told_pairs, "sign_flip": several}, indent=1))


if __name__ == "__main__":
    main()
