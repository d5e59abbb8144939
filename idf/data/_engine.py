"""Where work is done: in this process, in processes of this machine, or on a Ray cluster. The results are the same."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from idf.errors import UserError
from idf.extras import require
from idf.recipe import check_positive

T = TypeVar("T")
R = TypeVar("R")

ENGINES = ("local", "ray")


class WorkerDied(UserError):
    """A worker process ended without an answer: it was killed, as a rule because memory ran out."""


class Engine(Protocol):
    """Who does tasks.

    Attributes:
        workers: How many are done at the same time.
    """

    workers: int

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply a function to all tasks, each answer with the number of its task, as they get done.

        Args:
            function: Can be pickled.
            tasks: Can be pickled.

        Raises:
            UserError: What the function raises.
            WorkerDied: A worker process ended without an answer.
        """


def open_engine(
    name: str = "local", workers: int | None = None, shards: int | None = None
) -> AbstractContextManager[Engine]:
    """The engine of a name.

    Args:
        name: "local" or "ray".
        workers: Number of processes, on all machines together; None for as many as this machine has cores that this process
            may use, and no more than full shards.
        shards: Number of full shards that are to be made; None if it is not known.

    Raises:
        UserError: There is no such engine, or Ray is not installed.
    """
    if workers is None:
        workers = cores() if shards is None else max(1, min(cores(), shards))
    check_positive("workers", workers)
    if name not in ENGINES:
        raise UserError(f"unknown engine {name!r}: use one of {', '.join(ENGINES)}")
    return RayEngine(workers) if name == "ray" else LocalEngine(workers)


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The processor cores that this process may use: those that it is bound to, or fewer if its container has a quota.

    Args:
        quota: The file in which the system says the quota: "max" or microseconds, and of how many (cgroup v2).
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not quota.exists():
        return bound
    most, of = quota.read_text().split()
    return bound if most == "max" else max(1, min(bound, int(most) // int(of)))


class LocalEngine:
    """Processes of this machine; one worker is this process itself.

    Args:
        workers: How many.
        prepare: Called in each worker before its first task, but not in this process; can be pickled.
    """

    def __init__(self, workers: int = 1, prepare: Callable[[], None] | None = None) -> None:
        self.workers = workers
        self._prepare = prepare
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """As `Engine.run`."""
        if self.workers == 1 or len(tasks) == 1:
            with memory_kept():
                yield from ((number, function(task)) for number, task in enumerate(tasks))
            return
        if self._pool is None:
            # Spawned, not forked: a fork copies the threads' locks of whatever the caller has imported.
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=spawn, initializer=_prepare_worker, initargs=(self._prepare,)
            )
        rest = iter(enumerate(tasks))
        running: dict[Future[R], int] = {}
        try:
            while True:
                # Two tasks for each worker: enough to keep it busy, and no long queue of pickled tasks.
                while len(running) < 2 * self.workers and (task := next(rest, None)) is not None:
                    running[self._pool.submit(function, task[1])] = task[0]
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool:
            raise WorkerDied("a worker process died (killed, or out of memory)") from None
        finally:
            for future in running:
                future.cancel()


def _prepare_worker(prepare: Callable[[], None] | None) -> None:
    _end_with_the_parent()
    keep_memory()
    if prepare is not None:
        prepare()


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the options' names in malloc.h


def keep_memory() -> None:
    """Let the C library keep what this process frees, if it is glibc.

    Pictures of 3 MB come and go by the thousand. By default each is given back to the system, and cleared page by page
    when it is wanted again: a sixth of all time.
    """
    if libc := _glibc():
        libc.mallopt(_TRIM_THRESHOLD, 512 << 20)
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)


@contextmanager
def memory_kept() -> Iterator[None]:
    """`keep_memory` for a while, in a process that may be its user's: at the end all that is free goes back to the system.

    Then the thresholds are those that glibc itself comes to in a process that once freed a block of 32 MB: there is no
    way back to the smaller ones with which it starts and from which it adapts.
    """
    keep_memory()
    try:
        yield
    finally:
        if libc := _glibc():
            libc.mallopt(_TRIM_THRESHOLD, 64 << 20)
            libc.malloc_trim(ctypes.c_size_t(0))


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None


def _end_with_the_parent() -> None:
    """End this worker as soon as its parent ends, however that is killed: else it would write beside the next run."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class RayEngine:
    """Tasks as rows of a Ray dataset: on this machine, or on the cluster that `ray` is connected to.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, workers: int = 1) -> None:
        require("--engine ray", "ray")
        import ray
        import ray.data

        self.workers = workers
        self._started = not ray.is_initialized()
        if self._started:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        # It tells of every run, in the middle of our progress bars.
        logging.getLogger("ray.data").setLevel(logging.ERROR)

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        if self._started:
            ray.shutdown()

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """As `Engine.run`."""
        import ray.data
        import ray.exceptions

        def apply(row: dict[str, Any]) -> dict[str, Any]:
            try:
                answer: Any = (None, function(pickle.loads(row["task"])))
            except UserError as error:  # Ray would wrap it into an error of its own, with a page of traceback
                answer = (error, None)
            return {"number": row["number"], "answer": pickle.dumps(answer)}

        rows = [{"number": number, "task": pickle.dumps(task)} for number, task in enumerate(tasks)]
        if not rows:
            return
        dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), 10_000))
        try:
            for row in dataset.map(apply, concurrency=self.workers).iter_rows():
                error, answer = pickle.loads(row["answer"])
                if error is not None:
                    raise error
                yield int(row["number"]), answer
        except ray.exceptions.RayError as error:
            raise WorkerDied(f"a Ray task failed: {str(error).strip().splitlines()[0]}") from None
