"""The tokens of a dataset as files: written in pieces, by several processes, and read by all ranks of a node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .encode import IGNORE, Encoded


class TokenStore:
    """All samples of a dataset as token ids, in flat arrays that the processes of a node share through memory mapping.

    Args:
        folder: Where `write_tokens` put them.
    """

    def __init__(self, folder: Path) -> None:
        self._ids = np.load(folder / "ids.npy", mmap_mode="r")
        self._labels = np.load(folder / "labels.npy", mmap_mode="r")
        self._starts = np.load(folder / "starts.npy")
        self._grids = np.load(folder / "grids.npy")
        self._grid_starts = np.load(folder / "grid_starts.npy")
        self.tokens = len(self._ids)
        self.label_tokens = int((self._labels >= 0).sum())

    def __len__(self) -> int:
        return len(self._starts) - 1

    def lengths(self) -> list[int]:
        """Tokens of each sample."""
        return [int(n) for n in np.diff(self._starts)]

    def label_counts(self) -> list[int]:
        """Label tokens of each sample."""
        return [int(n) for n in np.add.reduceat((self._labels >= 0).astype(np.int64), self._starts[:-1])]

    def patches(self) -> NDArray[np.int64]:
        """Patches of each sample's pictures, (samples,)."""
        before = np.concatenate([[0], np.cumsum(self._grids.prod(axis=1))])
        counts: NDArray[np.int64] = np.diff(before[self._grid_starts])
        return counts

    def __getitem__(self, i: int) -> Encoded:
        part = slice(self._starts[i], self._starts[i + 1])
        grids = self._grids[self._grid_starts[i] : self._grid_starts[i + 1]].tolist()
        return Encoded(self._ids[part], self._labels[part], [(t, h, w) for t, h, w in grids])


@dataclass(frozen=True)
class Piece:
    """Samples that follow each other, without their tokens.

    Attributes:
        lengths: Tokens of each sample, (samples,).
        label_counts: Label tokens of each sample, (samples,).
        grid_counts: Pictures of each sample, (samples,).
        grids: (time, height, width) in patches of each picture, (pictures, 3).
    """

    lengths: NDArray[np.int64]
    label_counts: NDArray[np.int64]
    grid_counts: NDArray[np.int64]
    grids: NDArray[np.int64]


def write_piece(encoded: Iterable[Encoded], path: Path | None) -> Piece:
    """Write the tokens of samples to `<path>.ids` and `<path>.labels`, sample by sample; only count them if there is no path."""
    lengths: list[int] = []
    labels: list[int] = []
    grid_counts: list[int] = []
    grids: list[tuple[int, int, int]] = []
    ids_path, labels_path = (os.devnull if path is None else f"{path}.{name}" for name in ("ids", "labels"))
    with open(ids_path, "wb") as ids_file, open(labels_path, "wb") as labels_file:
        for sample in encoded:
            ids_file.write(sample.ids.tobytes())
            labels_file.write(sample.labels.tobytes())
            lengths.append(len(sample))
            labels.append(int((sample.labels != IGNORE).sum()))
            grid_counts.append(len(sample.grids))
            grids += sample.grids
    return Piece(
        np.array(lengths, np.int64),
        np.array(labels, np.int64),
        np.array(grid_counts, np.int64),
        np.array(grids, np.int64).reshape(-1, 3),
    )


def join_counts(pieces: Sequence[Piece]) -> Piece:
    """Pieces, in order, as one."""
    names = ("lengths", "label_counts", "grid_counts", "grids")
    return Piece(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in names))


def join_pieces(pieces: Sequence[tuple[Path, Piece]], part: Path) -> None:
    """Join what `write_piece` wrote, in order, to the files of a `TokenStore`; each piece is removed once it is copied.

    Args:
        pieces: With their paths.
        part: The folder to write to.
    """
    whole = join_counts([piece for _, piece in pieces])
    for name in ("ids", "labels"):
        with (part / f"{name}.npy").open("wb") as file:
            header = {"descr": "<i4", "fortran_order": False, "shape": (int(whole.lengths.sum()),)}
            np.lib.format.write_array_header_1_0(file, header)
            for path, _ in pieces:
                with open(f"{path}.{name}", "rb") as source:
                    shutil.copyfileobj(source, file, 2**20)
                os.unlink(f"{path}.{name}")
    np.save(part / "starts.npy", np.cumsum([0, *whole.lengths]))
    np.save(part / "grids.npy", whole.grids)
    np.save(part / "grid_starts.npy", np.cumsum([0, *whole.grid_counts]))


def write_tokens(encoded: Iterable[Encoded], folder: Path) -> None:
    """Write a `TokenStore` in this process; it appears under its name when it is whole."""
    part = begin_tokens(folder)
    join_pieces([(part / "piece", write_piece(encoded, part / "piece"))], part)
    os.replace(part, folder)


def begin_tokens(folder: Path) -> Path:
    """An empty folder beside the one that a `TokenStore` is to appear in, whatever was left there."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def unreadable(folder: Path, samples: int) -> str | None:
    """Why a folder is not the whole `TokenStore` of so many samples; None if it is."""
    try:
        store = TokenStore(folder)
        if len(store) != samples or sum(store.lengths()) != store.tokens:
            return f"it holds {len(store)} samples and not {samples}"
        store[samples - 1]  # the last one ends where the arrays end
    except (OSError, ValueError, EOFError, IndexError) as error:  # what NumPy says of a file that is cut or missing
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None
