"""Writes bench/results/growth.json: `.venv/bin/python bench/growth.py`. How often each verdict on growth is given.

Tokens that truly grow linearly or exponentially with a problem's size are drawn, cut off at a limit, and judged as a run's
rows are (`idf.evaluation.metrics.growth`). The limit is the one above which the wanted share of all responses of the design lies.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from machine import command, machine

from idf.evaluation import Row
from idf.evaluation.metrics.growth import CLEAR, MOST_CUT, growth

ROOT = Path(__file__).parents[1]
SIZES = range(3, 16)
SHARES = (0.0, 0.05, 0.2, 0.5)
TRUTHS: dict[str, Callable[[float], float]] = {
    "linear": lambda size: 100 + 40 * size,
    "linear from 0": lambda size: 60 * size,
    "exponential": lambda size: 100 * np.exp(0.15 * size),
    "exponential, slow": lambda size: 300 * np.exp(0.06 * size),
}


class Design(NamedTuple):
    """What is drawn in each run."""

    truth: str
    noise: str
    spread: float
    problems: int  # of each size
    samples: int
    cut: float


def errors(design: Design, size: int, rng: np.random.Generator) -> np.ndarray:
    """Errors of the logarithm, (problems, samples), with a standard deviation of about `spread`."""
    shape = (design.problems, design.samples)
    if design.noise == "normal":
        return design.spread * rng.normal(size=shape)
    if design.noise == "of problems":  # half of the variance is that of the problem, which its samples share
        return design.spread * np.sqrt(0.5) * (rng.normal(size=(design.problems, 1)) + rng.normal(size=shape))
    if design.noise == "gamma":  # of the length itself: skewed the other way in the logarithm
        k = 1 / design.spread**2
        return np.log(rng.gamma(k, 1 / k, size=shape))
    if design.noise == "heavy tails":  # Student's t with 4 degrees of freedom
        return design.spread / np.sqrt(2) * rng.standard_t(4, size=shape)
    if design.noise == "growing":  # half of it at the least size, one and a half at the largest
        return design.spread * (0.5 + (size - SIZES[0]) / (SIZES[-1] - SIZES[0])) * rng.normal(size=shape)
    raise ValueError(design.noise)


def limit(design: Design) -> float:
    """The length above which the wanted share lies."""
    if design.cut == 0:
        return np.inf
    rng = np.random.default_rng(1)
    many = design._replace(problems=20_000, samples=1)
    lengths = [TRUTHS[design.truth](size) * np.exp(errors(many, size, rng)) for size in SIZES]
    return float(np.quantile(np.concatenate(lengths), 1 - design.cut))


def drawn(design: Design, most: float, seed: int) -> list[Row]:
    """The rows of one run."""
    rng = np.random.default_rng(seed)
    rows = []
    for size in SIZES:
        lengths = np.round(TRUTHS[design.truth](size) * np.exp(errors(design, size, rng)))
        for problem, sample in np.ndindex(*lengths.shape):
            length = max(1.0, lengths[problem, sample])
            rows.append(
                Row(
                    id=f"{size}:{problem}",
                    world="wood_slide",
                    mode="tqa",
                    difficulty="easy",
                    correct=True,
                    error=None,
                    parsed=None,
                    response="",
                    prompt_tokens=None,
                    completion_tokens=int(min(length, most)),
                    finish_reason="length" if length > most else "stop",
                    moves=None,
                    optimal=None,
                    detail="",
                    official=1.0,
                    sample=sample,
                    size=size,
                )
            )
    return rows


def judged(task: tuple[Design, int]) -> dict[str, object]:
    """How often each verdict is given to a design."""
    design, runs = task
    most = limit(design)
    verdicts: Counter[str] = Counter()
    held = cut = rows = 0
    truth = TRUTHS[design.truth]
    for seed in range(runs):
        found = growth(drawn(design, most, seed))
        verdicts["no fit" if found is None else found["better"]] += 1
        if found is not None:
            cut, rows = cut + found["cut_off"], rows + found["n"]
            if design.truth.startswith("exponential"):
                true, (low, high) = np.log(truth(2) / truth(1)), found["exponential"]["ci95"]
            else:
                true, (low, high) = (truth(2) - truth(1)) * np.exp(design.spread**2 / 2), found["linear"]["ci95"]
            held += low <= true <= high
    right = design.truth.split(",")[0].split(" ")[0]
    wrong = {"linear": "exponential", "exponential": "linear"}[right]
    share = {name: round(verdicts[name] / runs, 4) for name in ("linear", "exponential", "undecided", "no fit")}
    told: dict[str, object] = {**design._asdict(), "cut": round(cut / max(rows, 1), 3), "runs": runs, **share}
    told["wrong"] = share[wrong]
    if design.noise == "normal":  # the mean of other errors is another
        told["interval_holds"] = round(held / runs, 4)
    return told


def main() -> None:
    """Run all designs; the first argument is the number of runs, the second that of processes."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    begun = time.perf_counter()
    designs = [
        Design(truth, "normal", spread, problems, 1, cut)
        for truth in TRUTHS
        for spread in (0.2, 0.4)
        for problems in (4, 12)
        for cut in SHARES
    ]
    designs += [
        Design(truth, noise, 0.3, 8, 4 if noise == "of problems" else 1, cut)
        for truth in TRUTHS
        for noise in ("of problems", "gamma", "heavy tails", "growing")
        for cut in SHARES
    ]
    with ProcessPoolExecutor(int(sys.argv[2]) if len(sys.argv) > 2 else 1) as pool:
        found = list(pool.map(judged, [(design, runs) for design in designs]))
    worst = max(found, key=lambda one: float(str(one["wrong"])))
    summary = {
        errors: {
            f"{cut:.0%} cut off": {
                "wrong_at_most": max(float(str(one["wrong"])) for one in mine),
                "wrong_mean": round(sum(float(str(one["wrong"])) for one in mine) / len(mine), 4),
                "undecided_mean": round(sum(float(str(one["undecided"])) for one in mine) / len(mine), 3),
            }
            for cut in SHARES
            for mine in [
                [one for one, of in zip(found, designs) if of.cut == cut and (of.noise == "normal") == assumed]
            ]
        }
        for errors, assumed in (("errors as assumed", True), ("other errors", False))
    }
    told = {
        "summary": summary,
        "worst": worst,
        "designs": found,
        "clear": CLEAR,
        "most_cut": MOST_CUT,
        "seconds": round(time.perf_counter() - begun),
    }
    told |= {"command": command(), "machine": machine()}
    out = ROOT / "bench/results/growth.json"
    out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=1), json.dumps(worst))


if __name__ == "__main__":
    main()
