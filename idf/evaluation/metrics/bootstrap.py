"""Cluster bootstrap: the same rows give the same figures on every machine, in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 10_000
SEED = 0
_AT_ONCE = 200_000  # indices in memory
_FEW = 8  # steps between sorted clusters, up to which counting is faster than looking up


def resampled(
    clusters: Sequence[Sequence[float]], name: str, draws: int = DRAWS, seed: int = SEED
) -> NDArray[np.float64]:
    """Sums over clusters that were drawn with repetition, as many as there are.

    Args:
        clusters: One tuple of numbers for each cluster, all of one length, for example (right, rows).
        name: What is drawn; another name has draws of its own.
        draws: How often.
        seed: Other draws.

    Returns:
        (draws, numbers of a tuple).
    """
    numbers = np.array(sorted(map(tuple, clusters)), dtype=np.float64)
    count = len(numbers)
    # Only the raw stream of a bit generator is promised to stay the same over releases and platforms of NumPy.
    stream = np.random.PCG64(int.from_bytes(sha256(f"{seed} {name}".encode()).digest()[:16], "little"))
    sums = np.empty((draws, numbers.shape[1]))
    step = max(1, _AT_ONCE // count)
    few = _few_steps(numbers)
    for begin in range(0, draws, step):
        size = min(step, draws - begin)
        raw = stream.random_raw(size * count)
        if few is not None:
            sums[begin : begin + size] = _counted(raw.reshape(size, count), numbers, few)
            continue
        chosen = (((raw >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)).astype(np.intp).reshape(size, count)
        for column in range(numbers.shape[1]):
            sums[begin : begin + size, column] = numbers[:, column][chosen].sum(axis=1)
    return sums


def _few_steps(numbers: NDArray[np.float64]) -> list[int] | None:
    """Where sorted clusters, (clusters, numbers), differ from the one before; None if that is often, or they are no whole
    numbers: then sums depend on their order.
    """
    steps = [int(at) for at in np.flatnonzero((numbers[1:] != numbers[:-1]).any(axis=1)) + 1]
    return steps if len(steps) <= _FEW and (numbers == np.rint(numbers)).all() else None


def _counted(raw: NDArray[np.uint64], numbers: NDArray[np.float64], steps: Sequence[int]) -> NDArray[np.float64]:
    """The sums of draws, (draws, clusters) of raw numbers, by counting how many draws reach each step; looks nothing up."""
    count = len(numbers)
    sums = np.tile(numbers[0] * count, (len(raw), 1))
    for at in steps:
        # The least raw number whose upper half, times the count, chooses the cluster `at` or one behind it.
        least = np.uint64(-(-(at << 32) // count) << 32)
        sums += np.outer((raw >= least).sum(axis=1), numbers[at] - numbers[at - 1])
    return sums


def percentile95(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of draws (Efron & Tibshirani 1993, chapter 13)."""
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def mean95(clusters: Sequence[Sequence[float]], name: str, draws: int = DRAWS, seed: int = SEED) -> tuple[float, float]:
    """The 95 % interval of a mean over rows in clusters.

    Args:
        clusters: (sum, rows) of each cluster.
        name: See `resampled`.
        draws: See `resampled`.
        seed: See `resampled`.
    """
    sums = resampled(clusters, name, draws, seed)
    return percentile95(sums[:, 0] / sums[:, 1])


def macro95(
    strata: Mapping[str, Sequence[Sequence[float]]], name: str, draws: int = DRAWS, seed: int = SEED
) -> tuple[float, float]:
    """The 95 % interval of the mean over strata of their means; each stratum is drawn on its own.

    Args:
        strata: Name, for example of a world -> (sum, rows) of each of its clusters.
        name: See `resampled`.
        draws: See `resampled`.
        seed: See `resampled`.
    """
    total = np.zeros(draws)
    for stratum in sorted(strata):
        sums = resampled(strata[stratum], f"{name} {stratum}", draws, seed)
        total += sums[:, 0] / sums[:, 1]
    return percentile95(total / len(strata))
