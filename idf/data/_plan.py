"""Which sample stands where: exact shares of worlds, difficulties and kinds, in a random order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from idf.worlds import Rng


class Slot(NamedTuple):
    """A place in a dataset: what stands there."""

    world: str
    difficulty: str
    kind: str


def plan_slots(
    samples: int,
    worlds: Mapping[str, float],
    difficulties: Mapping[str, float],
    kinds: Mapping[str, Mapping[str, float]],
    seed: int,
) -> list[Slot]:
    """The places of a dataset, in random order, with exact shares (largest remainders).

    Args:
        samples: How many in all.
        worlds: Weight of each world.
        difficulties: Weight of each difficulty, the same in every world.
        kinds: For each world, the weight of each kind that it has. They are scaled to a sum of one, so that a world
            with fewer kinds gets as many samples as the others.
        seed: Decides the order.
    """
    weights = {
        Slot(world, difficulty, kind): w * d * k / sum(kinds[world].values())
        for world, w in sorted(worlds.items())
        for difficulty, d in difficulties.items()
        for kind, k in sorted(kinds[world].items())
        if w * d * k > 0
    }
    total = sum(weights.values())
    exact = {slot: samples * weight / total for slot, weight in weights.items()}
    counts = {slot: int(share) for slot, share in exact.items()}
    by_remainder = sorted(exact, key=lambda slot: (counts[slot] - exact[slot], slot))
    for slot in by_remainder[: samples - sum(counts.values())]:
        counts[slot] += 1
    return Rng("slots", seed).shuffled([slot for slot, count in counts.items() for _ in range(count)])
