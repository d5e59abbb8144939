"""A rank that hangs is named: each rank says where it is, and whoever waits too long looks up who is behind."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch.distributed as dist

from .failure import tell_failure

STATUS = 3  # exit status of a process that gave up waiting


class HangWatch:
    """Watches the progress of all ranks from a thread of each.

    All ranks go through the same phases, so the number of phases that a rank has begun says who is behind: a rank that
    waits in a collective call has begun more than the one it waits for, unless that one stopped inside of it; then its
    watching thread gives no sign of life. Numbers and signs lie in torchrun's own key-value store. When this rank has
    begun no phase for `seconds`, who keeps it waiting is named and the process ends with status 3; torchrun then ends
    the others.

    Args:
        seconds: How long a phase may last.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.rank, self.ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self._store = self._open_store()
        self._life = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # torchrun keeps its store over restarts
        self._ticks = 0
        self._begun = 0
        self._at = time.monotonic()
        self._paused = 0
        self._done = threading.Event()
        self.phase("starting")
        threading.Thread(target=self._watch, daemon=True, name="hang watch").start()

    def _open_store(self) -> dist.Store:
        """Torchrun's key-value store; a rank on its own has nobody to tell and needs none."""
        if self.ranks == 1:
            return dist.HashStore()
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        return dist.TCPStore(address, port, is_master=False, timeout=timedelta(seconds=30))

    def phase(self, name: str) -> None:
        """Say that this rank begins something, for example "step 12: waiting for data"."""
        self._begun += 1
        self._at = time.monotonic()
        self._store.set(self._key("phase"), f"{self._begun}\t{socket.gethostname()}\t{os.getpid()}\t{name}")

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """For what takes as long as it takes: evaluating."""
        self.phase(name)
        self._paused += 1
        try:
            yield
        finally:
            self._at = time.monotonic()
            self._paused -= 1

    def stop(self) -> None:
        """End watching."""
        self._done.set()

    def _key(self, what: str, rank: int | None = None) -> str:
        return f"idf/{self._life}/{what}/{self.rank if rank is None else rank}"

    def _tick(self) -> None:
        """Show the others that this process is alive."""
        self._ticks += 1
        self._store.set(self._key("alive"), str(self._ticks))

    def _watch(self) -> None:
        pause = min(5.0, self.seconds / 4)
        while not self._done.wait(pause):
            try:
                self._tick()
                if self._paused or time.monotonic() - self._at < self.seconds:
                    continue
                verdict = self.verdict(pause)
            except (RuntimeError, ValueError) as error:  # the store went down with its host
                verdict = f"torchrun's store does not answer rank {self.rank} ({str(error).splitlines()[0]})"
            if self._done.is_set() or time.monotonic() - self._at < self.seconds:
                continue  # it went on while we looked
            tell_failure(verdict)
            os._exit(STATUS)

    def _read(self, what: str) -> dict[int, str]:
        """What ranks have told; a rank that has told nothing yet is left out."""
        keys = {rank: self._key(what, rank) for rank in range(self.ranks)}
        return {rank: self._store.get(key).decode() for rank, key in keys.items() if self._store.check([key])}

    def verdict(self, pause: float) -> str:
        """Who keeps the others waiting, in a sentence: whoever gives no sign of life, else whoever is furthest behind.

        Args:
            pause: Seconds between two signs of life.
        """
        before = self._read("alive")
        for _ in range(3):
            time.sleep(pause)
            self._tick()
        after = self._read("alive")
        silent = [rank for rank in range(self.ranks) if before.get(rank) == after.get(rank)]
        told = {rank: text.split("\t") for rank, text in self._read("phase").items()}
        begun = {rank: int(told[rank][0]) if rank in told else 0 for rank in range(self.ranks)}
        behind = silent or [rank for rank in begun if begun[rank] == min(begun.values())]
        names = [
            f"rank {rank} (process {told[rank][2]} on {told[rank][1]}), last seen in {told[rank][3]!r}"
            if rank in told
            else f"rank {rank}, which has not begun"
            for rank in behind
        ]
        what = "no sign of life from " if silent else "behind the others is "
        if len(behind) == self.ranks:
            what = "all ranks stand at the same place: "
        return (
            f"no progress for {self.seconds:g} s (hang_seconds): {what}{'; '.join(names)}. Start the same command again to "
            "go on from the last checkpoint"
        )
