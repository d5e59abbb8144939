"""Making a dataset: first it is decided which samples it holds, then they are made, shard by shard.

Deciding is cheap (no pictures) and finds repeats; making is the work, and each shard is independent of the others. So
the bytes do not depend on the number of workers, a killed run loses no finished shard, and the same command resumes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from idf.errors import UserError

from ._engine import Engine, WorkerDied
from ._folder import (
    ROWS_PER_SHARD,
    DatasetFolder,
    DiskFull,
    begin_part,
    finish_folder,
    part_folder,
    refuse_existing,
    versions,
    write_shard,
    written,
)
from ._progress import WorkBar, timed
from ._sample import Sample
from ._slots import Slot

_DRAFTS_PER_TASK = 250
# Repeats are put back; a mix of which this many in a row repeat has run out of samples.
_PATIENCE = 20


@dataclass(frozen=True, slots=True)  # millions of them are held at once
class Draft:
    """What is known of a sample before it is made.

    Attributes:
        key: Equal for samples that are the same again; None if nothing can be made of this index.
        scene: A hash of the scene, up to the symmetries of its world.
        attempt: What it takes to draw the scene again (`idf.worlds.Draw`).
        avoided: Published scenes that were drawn and put back on the way to it.
        overlaps: The levels of `idf.worlds.Keys` at which it equals a published item.
    """

    key: str | None
    scene: str = ""
    attempt: int = 0
    avoided: int = 0
    overlaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a dataset.

    Attributes:
        slot: What stands there.
        index: Number of the sample in its slot.
        draft: What is known of it.
        copy: Which of several answers to one problem it is.
        reply: What somebody was asked for it said; None if the maker needs nobody.
    """

    slot: Slot
    index: int
    draft: Draft
    copy: int = 0
    reply: Any = None


class Maker(Protocol):
    """Who makes samples; can be pickled. Both methods are pure functions of their arguments."""

    def draft(self, slot: Slot, index: int) -> Draft:
        """What is known of sample number `index` of a slot without making it."""

    def make(self, row: Row) -> Sample:
        """The sample of a row."""


@dataclass
class Choice:
    """Which samples a dataset holds, and what was put back.

    Attributes:
        rows: In order.
        counts: World -> what happened while they were chosen: "repeats", "published_avoided", "unsuitable" drafts, and
            "overlap_exact", "overlap_canonical", "overlap_skeleton" with published items.
    """

    rows: list[Row]
    counts: dict[str, Counter[str]]


def choose_rows(slots: Sequence[Slot], maker: Maker, engine: Engine, copies: int = 1) -> Choice:
    """Decide which samples stand in which slot. A draft whose key occurred before is put back, and counted.

    Args:
        slots: What is to stand where.
        maker: Who makes the samples.
        engine: Who does the work; the choice does not depend on it.
        copies: Rows for each sample.

    Raises:
        UserError: There are not enough different samples of a slot.
    """
    wanted = Counter(slots)
    strata = sorted(wanted)
    chosen: dict[Slot, list[tuple[int, Draft]]] = {slot: [] for slot in strata}
    counts: dict[str, Counter[str]] = {slot.world: Counter() for slot in strata}
    next_index: Counter[Slot] = Counter()
    idle: Counter[Slot] = Counter()
    seen: set[str] = set()
    with WorkBar(engine.workers, total=len(slots), desc="choosing", unit=" samples") as bar:
        while missing := {
            slot: wanted[slot] - len(chosen[slot]) for slot in strata if wanted[slot] > len(chosen[slot])
        }:
            tasks = []
            for slot, number in missing.items():
                # More than are missing once repeats are topped up: else the last ones would come one by one.
                begin = next_index[slot]
                end = begin + (number if begin == 0 else 2 * number + 50)
                tasks += [
                    (maker, slot, at, min(at + _DRAFTS_PER_TASK, end)) for at in range(begin, end, _DRAFTS_PER_TASK)
                ]
            # Tasks end in any order; what is a repeat is decided in theirs.
            drafts: dict[int, list[Draft]] = {}
            for number, drawn in engine.run(timed(_drafts), tasks):
                drafts[number] = drawn.result
                bar.did(len(drawn.result), drawn)
            for number, (_, slot, begin, _) in enumerate(tasks):
                for index, draft in enumerate(drafts[number], begin):
                    if len(chosen[slot]) == wanted[slot]:
                        break
                    next_index[slot] = index + 1
                    counts[slot.world]["published_avoided"] += draft.avoided
                    if draft.key is None or draft.key in seen:
                        counts[slot.world]["unsuitable" if draft.key is None else "repeats"] += 1
                        idle[slot] += 1
                        continue
                    seen.add(draft.key)
                    idle[slot] = 0
                    chosen[slot].append((index, draft))
                    counts[slot.world].update(f"overlap_{level}" for level in draft.overlaps)
            bar.n = sum(map(len, chosen.values()))  # drafts were counted as they came; some were put back
            bar.refresh()
            for slot in missing:
                if idle[slot] > _PATIENCE * wanted[slot] + 1000:
                    raise UserError(
                        f"{slot.world} has only {len(chosen[slot]):,} different {slot.difficulty} samples of the kind "
                        f"{slot.kind}, {wanted[slot]:,} were asked for: ask for fewer samples, or give it less weight"
                    )
    queues = {slot: iter(samples) for slot, samples in chosen.items()}
    rows = [Row(slot, *sample, copy) for slot in slots for sample in (next(queues[slot]),) for copy in range(copies)]
    return Choice(rows, counts)


def _drafts(task: tuple[Maker, Slot, int, int]) -> list[Draft]:
    maker, slot, begin, end = task
    return [maker.draft(slot, index) for index in range(begin, end)]


def build_dataset(choice: Choice, maker: Maker, out: Path, facts: dict[str, Any], engine: Engine) -> DatasetFolder:
    """Make the chosen samples and write them as a dataset folder.

    Args:
        choice: Which samples.
        maker: Who makes them.
        out: The folder to write. What is unfinished lies beside it, in `<out>.part`.
        facts: What `dataset.json` is to say beside the counts.
        engine: Who does the work; it changes the time, not a byte of the result. If it spans several machines, the
            folder must be on a file system that they share.

    Raises:
        UserError: The folder holds a dataset already, a worker died, or the disk is full; finished shards are kept.
    """
    refuse_existing(out)
    facts = facts | {"choice": {world: dict(sorted(found.items())) for world, found in sorted(choice.counts.items())}}
    part = part_folder(out)
    plan = sha256(repr((facts, versions())).encode())
    for row in choice.rows:  # one by one: as one text, the rows of a large dataset take gigabytes
        plan.update(repr(row).encode())
    if not begin_part(part, plan.hexdigest()):
        raise UserError(
            f"{part} holds what is left of another run: remove it, or repeat the command that it was begun with"
        )
    shards = [choice.rows[at : at + ROWS_PER_SHARD] for at in range(0, len(choice.rows), ROWS_PER_SHARD)]
    names = [f"train-{number:05d}.parquet" for number in range(len(shards))]
    digests = {name: digest for name in names if (digest := _finished(part / name)) is not None}
    rest = [number for number, name in enumerate(names) if name not in digests]
    done = len(choice.rows) - sum(len(shards[number]) for number in rest)
    tasks = [(maker, shards[number], part / names[number]) for number in rest]
    try:
        with WorkBar(engine.workers, total=len(choice.rows), initial=done, desc="making", unit=" samples") as bar:
            for number, made in engine.run(timed(_make_shard), tasks):
                digests[names[rest[number]]] = made.result
                bar.did(len(shards[rest[number]]), made)
        with written("dataset.json"):
            return finish_folder(part, out, {name: digests[name] for name in names}, facts)
    except (WorkerDied, DiskFull) as error:
        finished = sum(_finished(part / name) is not None for name in names)
        raise UserError(
            f"{error}; {finished} of {len(names)} shards are finished in {part}: run the same command again to go on"
        ) from None


def _finished(shard: Path) -> str | None:
    """The sha256 of a shard that was written whole, else None. Its note is written after it and names its hash."""
    try:
        note = shard.with_suffix(".json").read_bytes()
        digest = sha256(shard.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    return digest if note == _note(digest) else None


def _note(digest: str) -> bytes:
    return json.dumps({"sha256": digest}).encode() + b"\n"


def _make_shard(task: tuple[Maker, list[Row], Path]) -> str:
    """Make and write one shard, under another name until it is whole, then the note that it is; returns its sha256."""
    maker, rows, path = task
    samples = [maker.make(row) for row in rows]
    half = path.with_suffix(".half")
    try:
        with written(path.name):
            digest = write_shard(samples, half)
            half.replace(path)
            half.write_bytes(_note(digest))
            half.replace(path.with_suffix(".json"))
    finally:
        half.unlink(missing_ok=True)  # on a full disk it takes room that others could use
    return digest
