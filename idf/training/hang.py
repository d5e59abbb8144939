"""A rank that hangs is named: each rank says where it is, and whoever waits too long looks up who is behind."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch.distributed as dist

STATUS = 3  # exit status of a process that gave up waiting


class HangWatch:
    """Watches the progress of all ranks from a thread of each.

    All ranks go through the same phases, so the number of phases that a rank has begun says who is behind: a rank that
    waits in a collective call has begun more than the one it waits for. The numbers lie in torchrun's own key-value
    store. When this rank has begun no phase for `seconds`, the ranks that are furthest behind are named and the process
    ends with status 3; torchrun then ends the others.

    Args:
        seconds: How long a phase may last.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.rank, self.ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self._store = dist.TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=30),
        )
        self._begun = 0
        self._at = time.monotonic()
        self._paused = 0
        self._done = threading.Event()
        self.phase("starting")
        threading.Thread(target=self._watch, daemon=True, name="hang watch").start()

    def phase(self, name: str) -> None:
        """Say that this rank begins something, for example "step 12: waiting for data"."""
        self._begun += 1
        self._at = time.monotonic()
        self._store.set(f"idf/phase/{self.rank}", f"{self._begun}\t{socket.gethostname()}\t{os.getpid()}\t{name}")

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """For what takes as long as it takes: evaluating."""
        self.phase(name)
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1
            self._at = time.monotonic()

    def stop(self) -> None:
        """End watching."""
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(min(5.0, self.seconds / 4)):
            if self._paused or time.monotonic() - self._at < self.seconds:
                continue
            try:
                print(f"error: {self.verdict()}", file=sys.stderr, flush=True)
            except (RuntimeError, ValueError) as error:  # the store went down with its host
                print(f"error: rank {self.rank} waits for {self.seconds:g} s, and torchrun's store does not answer "
                      f"({str(error).splitlines()[0]})", file=sys.stderr, flush=True)  # fmt: skip
            os._exit(STATUS)

    def verdict(self) -> str:
        """Who is furthest behind, in a sentence."""
        told = {}
        for rank in range(self.ranks):
            begun, host, pid, name = self._store.get(f"idf/phase/{rank}").decode().split("\t")
            told[rank] = (int(begun), f"rank {rank} (process {pid} on {host}), last seen in {name!r}")
        least = min(begun for begun, _ in told.values())
        behind = [text for begun, text in told.values() if begun == least]
        everyone = len(behind) == self.ranks
        return (
            f"no progress for {self.seconds:g} s (hang_seconds): "
            + ("all ranks stand at the same place: " if everyone else "behind the others is ")
            + "; ".join(behind)
            + ". Start the same command again to go on from the last checkpoint"
        )
