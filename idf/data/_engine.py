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
from contextlib import AbstractContextManager
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
    """Who does tasks."""

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply a function to all tasks, each answer with the number of its task, as they get done.

        Args:
            function: Can be pickled.
            tasks: Can be pickled.

        Raises:
            UserError: What the function raises.
            WorkerDied: A worker process ended without an answer.
        """


def open_engine(name: str = "local", workers: int = 1) -> AbstractContextManager[Engine]:
    """The engine of a name.

    Args:
        name: "local" or "ray".
        workers: Number of processes, on all machines together.

    Raises:
        UserError: There is no such engine, or Ray is not installed.
    """
    check_positive("workers", workers)
    if name not in ENGINES:
        raise UserError(f"unknown engine {name!r}: use one of {', '.join(ENGINES)}")
    return RayEngine(workers) if name == "ray" else LocalEngine(workers)


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


def keep_memory() -> None:
    """Let the C library keep what this process frees, if it is glibc.

    Pictures of 3 MB come and go by the thousand. By default each is given back to the system, and cleared page by page
    when it is wanted again: a sixth of all time.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        trim_threshold, mmap_threshold = -1, -3  # the options' names in malloc.h
        libc.mallopt(trim_threshold, 512 << 20)
        libc.mallopt(mmap_threshold, 32 << 20)


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
