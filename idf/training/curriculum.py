"""A curriculum: rows from easy samples to hard ones, by the exact measure of their world."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

import pyarrow.parquet as pq

from idf.data import DatasetFolder
from idf.errors import UserError
from idf.worlds import Rng

from .packing import pack

MEASURES = ("least_moves", "distance", "shortest", "rolls", "cubes", "actions", "moves")
"""The measure of a sample that says how hard it is: the first of these that it has."""
BANDS = 20
_ROWS_IN_A_BAND = 4  # with fewer, rows would stay half empty


def exact_sizes(folder: DatasetFolder) -> list[tuple[str, int]]:
    """World and exact size of every sample: the least moves to the goal, rolls, turns that remain, or cubes.

    Raises:
        UserError: A sample has no such measure.
    """
    found = []
    for shard in folder.shards:
        table = pq.read_table(shard, columns=["id", "world", "meta"])
        for id, world, meta in zip(*(table[name].to_pylist() for name in ("id", "world", "meta")), strict=True):
            measures = json.loads(meta).get("measures") or {}
            size = next((measures[name] for name in MEASURES if name in measures), None)
            if size is None:
                raise UserError(
                    f"{folder.path}: the sample {id} has none of the measures {', '.join(MEASURES)}, so order=distance "
                    "cannot place it: set order=random"
                )
            found.append((world, size))
    return found


def from_easy_to_hard(sizes: Sequence[tuple[str, int]], seed: int) -> list[int]:
    """The samples in the order of a curriculum: each world goes from its smallest to its largest size at the same pace.

    Args:
        sizes: World and exact size of each sample.
        seed: Samples of the same size come in random order.
    """
    of_world: dict[str, list[int]] = defaultdict(list)
    for i in Rng("curriculum", seed).shuffled(range(len(sizes))):
        of_world[sizes[i][0]].append(i)
    places: list[tuple[float, str, int]] = []
    for world, samples in of_world.items():
        samples.sort(key=lambda i: sizes[i][1])
        places += [((place + 0.5) / len(samples), world, i) for place, i in enumerate(samples)]
    return [i for _, _, i in sorted(places)]


def pack_from_easy_to_hard(
    sizes: Sequence[tuple[str, int]], lengths: Sequence[int], row_length: int, seed: int
) -> list[list[int]]:
    """As `pack`, in up to BANDS bands from easy to hard; within a band rows and samples come in random order.

    Args:
        sizes: World and exact size of each sample.
        lengths: Tokens of each sample.
        row_length: Most tokens in a row.
        seed: Decides all that is random.
    """
    order = from_easy_to_hard(sizes, seed)
    bands = max(1, min(BANDS, sum(lengths) // (row_length * _ROWS_IN_A_BAND)))
    rows: list[list[int]] = []
    for band in range(bands):
        samples = order[band * len(order) // bands : (band + 1) * len(order) // bands]
        rows += [[samples[i] for i in row] for row in pack([lengths[i] for i in samples], row_length, seed)]
    return rows
