"""Several dataset folders as one: for training on them in one stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.worlds import Rng

from ._folder import DatasetFolder, write_dataset
from ._sample import Sample

MIXTURE = "mixture"
"""The `stage` of a mixed folder."""


def mix_datasets(sources: Sequence[tuple[DatasetFolder, int]], out: Path, seed: int = 0) -> DatasetFolder:
    """Write the samples of several folders as one, thoroughly mixed; each is read once for each time it is taken.

    Within a folder the order stays; which folder the next sample is from is shuffled. A sample that is taken again has an id
    of its own, `<id>#2`, `<id>#3`, ....

    Args:
        sources: The folders, and how often each of their samples is taken.
        out: The folder to write, which must not hold a dataset yet.
        seed: Another seed mixes them otherwise.

    Raises:
        UserError: Fewer than two folders or a number of times below 1, two samples share an id, or the folders were made of
            different splits.
    """
    if len(sources) < 2:
        raise UserError("one folder is no mixture: name at least two")
    for folder, times in sources:
        if times < 1:
            raise UserError(f"{folder.path}: each sample must be taken at least once, not {times} times")
    splits = {folder.manifest.get("split") for folder, _ in sources}
    if len(splits) > 1:
        raise UserError(f"the folders are of different splits: {', '.join(sorted(map(str, splits)))}")
    overlaps: dict[str, Counter[str]] = {}
    published = [folder.manifest.get("published") for folder, _ in sources]
    facts: dict[str, Any] = {
        "stage": MIXTURE,
        "recipe": {"seed": seed, "times": {folder.path.name: times for folder, times in sources}},
        "seed": seed,
        "source": [_described(folder, times) for folder, times in sources],
        "published": published[0] if all(one == published[0] for one in published) else None,
        "choice": overlaps,
        "split": splits.pop(),
    }
    return write_dataset(_counted(_mixed(sources, seed), overlaps), out, facts)


def _described(folder: DatasetFolder, times: int) -> dict[str, Any]:
    """All that it takes to make the folder again, in the form in which a checkpoint describes its data."""
    made = {key: folder.manifest.get(key) for key in ("stage", "recipe", "seed", "source", "versions")}
    return {
        "folder": folder.path.name,
        "samples": len(folder),
        "times": times,
        "fingerprint": folder.fingerprint(),
        "made": made,
    }


def _mixed(sources: Sequence[tuple[DatasetFolder, int]], seed: int) -> Iterator[Sample]:
    turns = [number for number, (folder, times) in enumerate(sources) for _ in range(times * len(folder))]
    streams = [_stream(folder, times) for folder, times in sources]
    for number in Rng("mixture", seed).shuffled(turns):
        yield next(streams[number])


def _stream(folder: DatasetFolder, times: int) -> Iterator[Sample]:
    for copy in range(1, times + 1):
        for sample in folder.samples():
            yield sample if copy == 1 else replace(sample, id=f"{sample.id}#{copy}")


def _counted(samples: Iterator[Sample], overlaps: dict[str, Counter[str]]) -> Iterator[Sample]:
    """The samples; on the way their ids are compared, and those that equal a published item are counted."""
    ids: set[str] = set()
    for sample in samples:
        if sample.id in ids:
            raise UserError(f"two samples have the id {sample.id}: were the folders made with the same seed?")
        ids.add(sample.id)
        overlaps.setdefault(sample.world, Counter()).update(
            f"overlap_{level}" for level in sample.meta.get("overlaps", ())
        )
        yield sample
