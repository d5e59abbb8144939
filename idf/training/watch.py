"""`idf-eval --watch RUN`: each checkpoint of a run is evaluated as it appears, on another GPU or node than training."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from idf.errors import UserError

from .checkpoint import read_facts
from .evaluation_lock import EvaluationLock, take_lock
from .evaluations import NAME, failure_file, note_failure, results_folder, step_of
from .hook import conclude, evaluate_checkpoint, first_line, free_memory, hook_items
from .stages import AnyStage, read_stage_recipe


def watch(run: Path, *, device: str | None = None, poll_seconds: float = 30.0, patience_seconds: float = 7200.0) -> int:
    """Evaluate each checkpoint of a run once, in order, until `final` is done or nothing new comes.

    What is asked is what the hook of training would ask: each checkpoint's `idf.json` says it. Several watchers share the
    work.

    Args:
        run: The run's folder; it may be still to come.
        device: Where models go; None for a GPU if the run trains on GPUs, else the CPU.
        poll_seconds: Time between two looks.
        patience_seconds: How long to wait without anything new.

    Returns:
        How many evaluations failed.

    Raises:
        UserError: `run` is no folder of a run, or the device is not there.
    """
    _check_run(run)
    if device is not None:
        _check_device(device)
    if not run.exists():
        print(f"{run} is not there yet: waiting for training to begin", flush=True)
    watcher = Watcher(run, device, poll_seconds)
    quiet_since, known = time.monotonic(), 0
    try:
        while True:
            worked = watcher.work()
            if worked or len(watcher.seen) > known:
                quiet_since, known = time.monotonic(), len(watcher.seen)
            if worked:
                continue
            if watcher.over():
                break
            left = quiet_since + patience_seconds - time.monotonic()
            if left <= 0:
                print(f"nothing new in {run} for {patience_seconds:g} s: no longer waiting for final", flush=True)
                break
            time.sleep(min(poll_seconds, left))
    finally:
        print(watcher.summary(), flush=True)
    return len(watcher.failed)


class Watcher:
    """What a process that watches a run knows.

    Attributes:
        seen: Names of all complete checkpoints so far.
        done: Names of those it evaluated.
        failed: Names of those it could not evaluate.
        removed: Names of those that training removed before they were evaluated.
    """

    def __init__(self, run: Path, device: str | None, poll_seconds: float) -> None:
        self.run = run
        self.device = device
        self.poll_seconds = poll_seconds
        self.seen: set[str] = set()
        self.done: list[str] = []
        self.failed: list[str] = []
        self.removed: list[str] = []
        # What failed before we began may have been mended since: it gets one more try. What fails from now on does not.
        self._old_failures = {path: _changed(path) for path in (run / "evaluations").glob("*.error.txt")}
        self._looked = 0.0

    def work(self) -> bool:
        """Evaluate the first checkpoint that waits, if there is one; whether there was."""
        self.look()
        for folder in self.waiting():
            lock = take_lock(self._lock_place(folder))
            if lock is None:
                continue
            try:
                # Between looking and locking, another watcher may have finished it, or training removed it.
                if _complete(folder) and not self._settled(folder):
                    self._evaluate(folder, lock)
                    return True
            finally:
                lock.release()
        return False

    def look(self) -> None:
        """Note what appeared, and what disappeared before anybody evaluated it."""
        self._looked = time.monotonic()
        if not self.run.is_dir():
            return
        self.seen |= {path.name for path in self.run.iterdir() if NAME.fullmatch(path.name) and _complete(path)}
        for name in sorted(self.seen, key=step_of):
            folder = self.run / name
            if name not in self.removed and not (
                _complete(folder) or self._settled(folder) or self._lock_place(folder).exists()
            ):
                self._note_removed(folder, "before it was evaluated")

    def waiting(self) -> list[Path]:
        """The checkpoints to evaluate, in order."""
        folders = [self.run / name for name in sorted(self.seen, key=step_of)]
        return [folder for folder in folders if _complete(folder) and not self._settled(folder)]

    def over(self) -> bool:
        """Whether the run has ended and every checkpoint that is there was dealt with, by us or by others."""
        return "final" in self.seen and not self.waiting()

    def summary(self) -> str:
        """What came of it, in a line."""
        parts = {"evaluated": self.done, "failed": self.failed, "removed by training before that": self.removed}
        return f"{self.run}: " + ", ".join(f"{len(names)} {what}" for what, names in parts.items())

    def _evaluate(self, folder: Path, lock: EvaluationLock) -> None:
        device = "cpu"
        try:
            recipe = recipe_of(folder)
            device = self._device_for(recipe)
            print(f"evaluating {folder} on {device}", flush=True)
            items = hook_items(recipe)
            rows = evaluate_checkpoint(
                folder, recipe, items, device=device, stop=self._between_batches(lock), show=True
            )
            conclude(folder, recipe, items, rows, device)
            self.done.append(folder.name)
        except NoDevice:
            raise
        except Exception as error:
            if _complete(folder):
                print(f"evaluation of {folder} failed: {first_line(error)}", flush=True)
                note_failure(folder, traceback.format_exc())
                self.failed.append(folder.name)
            else:
                self._note_removed(folder, "while it was evaluated")
        free_memory(device)

    def _between_batches(self, lock: EvaluationLock) -> Callable[[], bool]:
        def go_on() -> bool:
            if time.monotonic() - self._looked >= self.poll_seconds:
                lock.beat()
                self.look()  # what comes and goes during a long evaluation is counted too
            return False

        return go_on

    def _device_for(self, recipe: AnyStage) -> str:
        if self.device is not None:
            return self.device
        if recipe.device == "gpu":
            _check_device("cuda")
            return "cuda"
        return "cpu"

    def _note_removed(self, folder: Path, when: str) -> None:
        self.removed.append(folder.name)
        print(f"{folder} was removed by training {when}", flush=True)

    def _lock_place(self, folder: Path) -> Path:
        return self.run / "evaluations" / f".lock-{folder.name}"

    def _settled(self, folder: Path) -> bool:
        """Whether a checkpoint was evaluated, or failed since we began."""
        failure = failure_file(folder)
        return (
            folder.name in self.failed
            or (results_folder(folder) / "results.json").exists()
            or _changed(failure) not in (None, self._old_failures.get(failure))
        )


class NoDevice(UserError):
    """Models cannot be put where they should be: no checkpoint's fault."""


def recipe_of(folder: Path) -> AnyStage:
    """The recipe of the run that wrote a checkpoint.

    Raises:
        UserError: `idf.json` is missing, broken, or holds no recipe of this version.
    """
    facts = read_facts(folder)
    if facts is None:
        raise UserError(f"{folder} has no idf.json: it is no complete checkpoint of idf")
    try:
        # As overrides every value is read and checked like those of a recipe file.
        lines = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in facts["recipe"].items()]
        return read_stage_recipe(None, lines)
    except UserError as error:
        raise UserError(f"{folder / 'idf.json'}: {str(error).removeprefix('defaults: ')}") from None


def _complete(folder: Path) -> bool:
    return (folder / "idf.json").exists()


def _changed(path: Path) -> int | None:
    """When a file was last written, in ns; None if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _check_run(run: Path) -> None:
    if run.exists() and not run.is_dir():
        raise UserError(f"{run} is a file: --watch takes the folder of a run, which the recipe names as `run`")
    if (run / "config.json").exists():
        raise UserError(f"{run} is a checkpoint: --watch takes the folder of its run, {run.absolute().parent}")


def _check_device(name: str) -> None:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise NoDevice(f"--device {name}: there is no such device; use cpu, cuda, or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise NoDevice(f"--device {name}: use cpu, cuda, or cuda:N")
    gpus = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise NoDevice(
            f"there is no device {name}, this machine has {gpus} GPUs: name another one with --device, or cpu"
        )
