"""A whole dataset -> token ids and labels, by several processes that each write their own pieces."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from idf.data import Block, DatasetFolder, LocalEngine, WorkerDied, cores
from idf.errors import UserError

from .encode import Encoded, Encoder
from .loss_guard import StopSignal
from .token_files import Piece, begin_tokens, join_counts, join_pieces, write_piece

MOST_WORKERS = 8  # more of them wait for the disk, and each holds a tokenizer of its own
SAMPLES_PER_WORKER = 2000  # take about as long as it takes to start a process


@dataclass(frozen=True)
class _Outcome:
    """What became of a block.

    Attributes:
        piece: Of the samples that could be encoded; None if the block could not be read to its end.
        refused: How many samples cannot be trained on.
        first: Why the first of them cannot, or the block cannot be read.
    """

    piece: Piece | None
    refused: int
    first: str | None


Task = tuple[Block, Path | None]


def workers_for(samples: int) -> int:
    """How many processes pay for so many samples: at most one for each core that this process may use."""
    return max(1, min(cores(), MOST_WORKERS, samples // SAMPLES_PER_WORKER))


def encode_to(target: Path, folder: DatasetFolder, encoder: Encoder, show: bool, workers: int | None = None) -> None:
    """Encode a dataset to a `TokenStore`, which appears under its name when it is whole.

    Args:
        target: The folder to write.
        folder: The dataset.
        encoder: Who encodes.
        show: Whether to show a progress bar.
        workers: How many processes; None for as many as pay. The files do not depend on it.

    Raises:
        UserError: Some samples are refused: how many, and why the first one in order; or a process died.
    """
    part = begin_tokens(target)
    try:
        blocks = list(folder.blocks())
        paths = [part / f"piece-{number:06d}" for number in range(len(blocks))]
        pieces = _encode(list(zip(blocks, paths, strict=True)), len(folder), encoder, show, workers)
        join_pieces(list(zip(paths, pieces, strict=True)), part)
        os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def count_tokens(folder: DatasetFolder, encoder: Encoder, show: bool, workers: int | None = None) -> Piece:
    """Encode a dataset and keep only the counts. As `encode_to`."""
    tasks: list[Task] = [(block, None) for block in folder.blocks()]
    return join_counts(_encode(tasks, len(folder), encoder, show, workers))


def _encode(tasks: Sequence[Task], total: int, encoder: Encoder, show: bool, workers: int | None) -> list[Piece]:
    """Encode blocks. They end in any order, and what is told of those that cannot be trained on does not depend on it."""
    # Processes share the cores, not the tokenizer's threads, of which it would warn at every later fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    workers = min(len(tasks), workers_for(total) if workers is None else workers)
    work = _encode_block_of_worker if workers > 1 else partial(_encode_block, encoder)
    outcomes: dict[int, _Outcome] = {}
    pieces: list[Piece] = []
    with (
        LocalEngine(max(1, workers), partial(_prepare_worker, encoder)) as engine,
        tqdm(total=total, unit=" samples", desc="encode", disable=not show, mininterval=1) as bar,
    ):
        try:
            for number, outcome in engine.run(work, tasks):
                outcomes[number] = outcome
                bar.update(tasks[number][0].rows)
                while (ended := outcomes.get(len(pieces))) is not None:
                    if ended.piece is None:
                        raise UserError(str(ended.first))
                    pieces.append(ended.piece)
        except WorkerDied as error:
            raise UserError(
                f"{error} while the samples were encoded: nothing of them is kept; make room in memory and start the same "
                "command again"
            ) from None
    refused = sum(outcome.refused for outcome in outcomes.values())
    if refused:
        first = next(outcomes[number].first for number in sorted(outcomes) if outcomes[number].refused)
        raise UserError(f"{refused} of {total} samples cannot be trained on; the first: {first}")
    return pieces


def _encode_block(encoder: Encoder, task: Task) -> _Outcome:
    block, path = task
    refused: list[str] = []

    def good() -> Iterator[Encoded]:
        for encoded in encoder.each(block.samples(whole=False)):
            if isinstance(encoded, UserError):
                refused.append(str(encoded))
            else:
                yield encoded

    try:
        piece = write_piece(good(), path)
    except UserError as error:  # of the shard
        return _Outcome(None, 0, str(error))
    return _Outcome(piece, len(refused), next(iter(refused), None))


_kept: Encoder


def _prepare_worker(encoder: Encoder) -> None:
    """Keep the encoder: with each task it would be sent again, a large vocabulary in some tenths of a second."""
    global _kept
    _kept = encoder
    for number in StopSignal.SIGNALS:  # SLURM signals every process of a job: what to do is for the rank to say
        signal.signal(number, signal.SIG_IGN)


def _encode_block_of_worker(task: Task) -> _Outcome:
    return _encode_block(_kept, task)
