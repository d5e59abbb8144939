"""The other processes of a run: what one of them does or says, and how an error of one becomes known to all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch.distributed as dist

from idf.errors import UserError

T = TypeVar("T")


class Ranks:
    """This process among those that torchrun started; the process group comes later.

    Attributes:
        rank: This process, from 0.
        ranks: How many there are.
        ranks_here: How many of them are on this node.
        first: Whether this is rank 0.

    Raises:
        UserError: It was not started by torchrun.
    """

    def __init__(self) -> None:
        if "RANK" not in os.environ:
            raise UserError(f"start it with torchrun, for example: torchrun --nproc_per_node 8 {_script()}")
        self.rank, self.ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self.ranks_here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self.first = self.rank == 0

    def wait(self) -> None:
        """Wait for all ranks."""
        if dist.is_initialized():
            dist.barrier()

    def first_does(self, work: Callable[[], None]) -> None:
        """Let rank 0 do something while the others wait.

        Raises:
            UserError: On every rank, if the work raised one.
        """
        error = None
        if self.first:
            try:
                work()
            except UserError as problem:
                error = str(problem)
        self.agree(error)

    def one_of_each_node_does(self, work: Callable[[], None]) -> None:
        """Let one rank of every node do something while the others wait.

        Raises:
            UserError: On every rank, if the work of one raised it.
        """
        error = None
        if int(os.environ.get("LOCAL_RANK", "0")) == 0:
            try:
                work()
            except UserError as problem:
                error = str(problem)
        self.agree(error)

    def first_says(self, work: Callable[[], T]) -> T:
        """Rank 0's answer, on every rank: a shared file system may show others an older folder.

        Raises:
            UserError: On every rank, if the work raised one.
        """
        told: list[Any] = [None]

        def ask() -> None:
            told[0] = work()

        self.first_does(ask)
        if dist.is_initialized():
            dist.broadcast_object_list(told, src=0)
        answer: T = told[0]
        return answer

    def gather(self, thing: T) -> list[T]:
        """Every rank's thing, by rank, on every rank."""
        things = [thing]
        if dist.is_initialized():
            told: list[Any] = [None] * self.ranks
            dist.all_gather_object(told, thing)
            things = told
        return things

    def agree(self, error: str | None) -> None:
        """Let an error on any rank be known to all.

        Raises:
            UserError: On every rank, if any has an error; the first one is told.
        """
        for rank, told in enumerate(self.gather(error)):
            if told is not None:
                raise UserError(told if rank == 0 else f"{told} (rank {rank})")


def _script() -> str:
    """The launch script that was started, for a message."""
    name = Path(sys.argv[0]).name
    return f"launch/{name if name.startswith('stage') else 'stage1.py'}"
