"""Processes, a few at once, until all are done; killed at any moment, the same call goes on."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

from idf.errors import UserError

_POLL = 0.2
_SAY_EVERY = 60.0
_PR_SET_PDEATHSIG = 1


def idf_command(name: str) -> str:
    """A command of idf in the environment that runs this."""
    return str(Path(sys.executable).with_name(name))


@dataclass(frozen=True)
class Job:
    """A process that writes something.

    Attributes:
        name: What it is called.
        command: Its words.
        done: Whether what it writes is there and whole.
        log: Where it prints to.
        seconds: How long it is expected to take.
        needs: Names of the jobs that must be done before.
        before: Called before it is started.
        after: Called after it has ended well, and again by later calls.
        progress: The share that is done while it runs, from 0 to 1.
    """

    name: str
    command: list[str]
    done: Callable[[], bool]
    log: Path
    seconds: float
    needs: tuple[str, ...] = ()
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    progress: Callable[[], float] = lambda: 0.0


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    begun: float
    share: float


@dataclass
class _Pace:
    """How much longer things take than was expected."""

    expected: float = 0.0
    taken: float = 0.0

    def note(self, expected: float, taken: float) -> None:
        self.expected += expected
        self.taken += taken

    @property
    def factor(self) -> float:
        return self.taken / self.expected if self.expected else 1.0


def run_jobs(jobs: Sequence[Job], at_once: int, lock: Any, say: Callable[[str], None]) -> None:
    """Run all jobs that are not done, in their order, as soon as what they need is done.

    Every process ends when this one does, however that is killed. It holds the lock as long as it lives, so that the next call
    waits for it.

    Args:
        jobs: A job stands after those that it needs.
        at_once: How many run at once.
        lock: What `locked` gave.
        say: Prints a line.

    Raises:
        UserError: A process failed; its last words are named. The others are ended, and can be gone on with.
    """
    ended = [job for job in jobs if job.done()]
    for whole in ended:
        whole.after()  # once more: a kill may have come between its end and this
    done = {whole.name for whole in ended}
    waiting = [job for job in jobs if job.name not in done]
    running: list[_Running] = []
    pace = _Pace()
    if done:
        say(f"{len(done)} of {len(jobs)} processes have ended well before; {len(waiting)} are left")
    said = time.monotonic()
    try:
        while waiting or running:
            while len(running) < at_once and (job := next((j for j in waiting if done.issuperset(j.needs)), None)):
                waiting.remove(job)
                job.before()
                running.append(_Running(job, _start(job, lock), time.monotonic(), job.progress()))
            time.sleep(_POLL)
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                _check(one)
                done.add(one.job.name)
                taken = time.monotonic() - one.begun
                pace.note(one.job.seconds * (1 - one.share), taken)
                left = _left(waiting, running, at_once, pace.factor)
                say(f"{len(done)}/{len(jobs)}  {one.job.name}: {taken:.0f} s; {_in_words(left)} left")
                said = time.monotonic()
            if running and time.monotonic() - said > _SAY_EVERY:
                shares = ", ".join(f"{one.job.name} {one.job.progress():.0%}" for one in running)
                say(
                    f"{len(done)}/{len(jobs)}  {shares}; {_in_words(_left(waiting, running, at_once, pace.factor))} left"
                )
                said = time.monotonic()
    finally:
        _end(running)


def _start(job: Job, lock: Any) -> subprocess.Popen[bytes]:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONWARNINGS": "ignore",
        "WANDB_MODE": "disabled",
    }
    with job.log.open("ab") as log:
        return subprocess.Popen(
            job.command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            **ends_with_this(lock),
        )


def ends_with_this(lock: Any) -> dict[str, Any]:
    """Arguments of `subprocess` for a process that holds the lock and, on Linux, ends as soon as this one does."""
    parent = os.getpid()

    def ask() -> None:
        libc = ctypes.CDLL(None)
        if sys.platform == "linux":
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it ended before it could be asked for
                os._exit(1)

    return {"pass_fds": (lock.fileno(),), "preexec_fn": ask}


def _check(one: _Running) -> None:
    job = one.job
    if one.process.returncode == 0:
        job.after()
    if one.process.returncode != 0 or not job.done():
        lines = [line for line in job.log.read_text(errors="replace").splitlines() if line.strip()]
        told = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "")
        raise UserError(
            f"{job.name} ended with status {one.process.returncode}: {told.strip()[:300]} (all of it: {job.log}); "
            "start the study again to go on"
        )


def _end(running: list[_Running]) -> None:
    """End what still runs; a training run saves first."""
    for one in running:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGTERM)
    for one in running:
        try:
            one.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()


def _left(waiting: Sequence[Job], running: Sequence[_Running], at_once: int, factor: float) -> float:
    seconds = sum(job.seconds for job in waiting)
    seconds += sum(one.job.seconds * (1 - one.job.progress()) for one in running)
    return seconds * factor / at_once


def _in_words(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


@contextmanager
def locked(path: Path, say: Callable[[str], None]) -> Iterator[Any]:
    """Hold a folder's lock; wait until what an earlier call started has ended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            say("waiting for processes of an earlier start to end (a training run saves first)")
            flock(file, LOCK_EX)
        yield file
