"""Making samples in parallel, the same ones whatever the number of workers."""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from idf.errors import UserError
from idf.recipe import check_positive
from idf.worlds import Rng

from ._folder import DatasetFolder, refuse_existing, write_dataset
from ._sample import Sample

_CHUNK = 500  # slots handed out at once; part of what fixes the order of samples, so not a setting


@dataclass(frozen=True)
class Slot:
    """A place in a dataset: which world and difficulty stand there."""

    world: str
    difficulty: str


def plan_slots(samples: int, worlds: Mapping[str, float], difficulties: Mapping[str, float], seed: int) -> list[Slot]:
    """The places of a dataset, in random order, with exact shares (largest remainders).

    Args:
        samples: How many in all.
        worlds: Weight of each world.
        difficulties: Weight of each difficulty, the same in every world.
        seed: Decides the order.
    """
    weights = {
        Slot(world, difficulty): w * d
        for world, w in sorted(worlds.items())
        for difficulty, d in difficulties.items()
        if w * d > 0
    }
    total = sum(weights.values())
    exact = {slot: samples * weight / total for slot, weight in weights.items()}
    counts = {slot: int(share) for slot, share in exact.items()}
    by_remainder = sorted(exact, key=lambda slot: counts[slot] - exact[slot])
    for slot in by_remainder[: samples - sum(counts.values())]:
        counts[slot] += 1
    return Rng("slots", seed).shuffled([slot for slot, count in counts.items() for _ in range(count)])


def build_dataset(
    slots: list[Slot],
    make: Callable[[Slot, int], Sample],
    out: Path,
    facts: dict[str, Any],
    workers: int = 1,
) -> DatasetFolder:
    """Fill the slots and write the dataset.

    Args:
        slots: What is to stand where.
        make: The sample for a slot and an index, a pure function that can be pickled. A sample whose `meta["key"]`
            occurred before is counted and replaced by that of the next index.
        out: The folder to write.
        facts: What `dataset.json` is to say beside the counts.
        workers: Number of processes; it changes the time, not the result.

    Raises:
        UserError: The folder holds a dataset already.
    """
    refuse_existing(out)
    check_positive("workers", workers)
    facts = dict(facts)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) if workers > 1 else nullcontext() as pool:
        return write_dataset(_fill(slots, make, pool, facts), out, facts)


def _fill(
    slots: list[Slot], make: Callable[[Slot, int], Sample], pool: Executor | None, facts: dict[str, Any]
) -> Iterator[Sample]:
    next_index: dict[Slot, int] = defaultdict(int)
    seen: set[str] = set()
    repeats, patience = 0, 1000 + 100 * len(slots)
    with tqdm(total=len(slots), unit=" samples", mininterval=1) as bar:
        for begin in range(0, len(slots), _CHUNK):
            chunk = slots[begin : begin + _CHUNK]
            kept: list[Sample | None] = [None] * len(chunk)
            while open_places := [i for i, sample in enumerate(kept) if sample is None]:
                wanted = []
                for i in open_places:
                    wanted.append((chunk[i], next_index[chunk[i]]))
                    next_index[chunk[i]] += 1
                arguments = tuple(zip(*wanted))
                made = pool.map(make, *arguments, chunksize=8) if pool else map(make, *arguments)
                for i, sample in zip(open_places, made, strict=True):
                    if sample.meta["key"] in seen:
                        repeats += 1
                        if repeats > patience:
                            raise UserError(f"there are not {len(slots)} different samples of this mix: ask for fewer")
                        continue
                    seen.add(sample.meta["key"])
                    kept[i] = sample
                    bar.update()
            yield from (sample for sample in kept if sample is not None)
    facts["repeats_drawn_again"] = repeats
