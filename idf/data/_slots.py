"""Which sample stands where: exact shares of worlds, difficulties and kinds, in a random order."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

from idf.worlds import Rng


class Slot(NamedTuple):
    """A place in a dataset: what stands there."""

    world: str
    difficulty: str
    kind: str


def allot_slots(
    samples: int,
    worlds: Mapping[str, float],
    difficulties: Mapping[str, float],
    kinds: Mapping[str, Mapping[str, float]],
    seed: int,
) -> list[Slot]:
    """The places of a dataset, in random order, with exact shares: what cannot be divided is less than one sample off.

    That holds for each slot, for each difficulty of a world, and for each world. The strata lie side by side on a line of
    the length `samples`, and each gets the whole numbers in its stretch, so that neighbours make up for each other.

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
        for difficulty, d in sorted(difficulties.items())
        for kind, k in sorted(kinds[world].items())
        if w * d * k > 0
    }
    return share_out(samples, weights, seed)


def share_out(samples: int, weights: Mapping[Slot, float], seed: int) -> list[Slot]:
    """The places of a dataset by the weight of each slot, as `allot_slots`; neighbours in the map make up for each other.

    Args:
        samples: How many in all.
        weights: Weight of each slot.
        seed: Decides the order.
    """
    ends = list(accumulate(weights.values(), initial=0.0))
    places = [int(samples * end / ends[-1] + 0.5) for end in ends]
    slots = [slot for slot, (here, there) in zip(weights, pairwise(places)) for _ in range(here, there)]
    return Rng("slots", seed).shuffled(slots)
