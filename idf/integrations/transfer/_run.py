"""Asking both models: each in a process of its own, resumed by finished pairs of model and task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from idf.backends import adapter_base, is_hub_name, weights_fingerprint
from idf.errors import UserError
from idf.evaluation.run.output import locked
from idf.gpus import why_no_gpu
from idf.processes import end_with

from .._paths import adapter_path
from ._benchmarks import Benchmark
from ._installed import LmmsTasks, hub_reached, lmms_version, on_this_machine
from ._scores import Logs, sample_logs

SIDES = ("base", "checkpoint")
_IDENTITY = "transfer.json"


@dataclass(frozen=True)
class TransferPlan:
    """What is asked of both models.

    Attributes:
        base: The model before training: a folder or a hub name.
        checkpoint: The model after.
        benchmarks: What both are asked.
        out: The folder to write.
        limit: The first so many items of each task; None for all.
        model: "idf", which loads them as `--backend hf` does, or what lmms-eval calls a class of its own.
        model_args: What else that class is told, as lmms-eval writes it: "key=value,key=value".
        batch_size: Prompts at once.
    """

    base: str
    checkpoint: str
    benchmarks: tuple[Benchmark, ...]
    out: Path
    limit: int | None = None
    model: str = "idf"
    model_args: str = ""
    batch_size: int = 1


def run_transfer(plan: TransferPlan) -> tuple[dict[Benchmark, tuple[Logs, Logs]], dict[str, str]]:
    """Ask both models what is not yet answered in the plan's folder.

    Returns:
        Benchmark -> sample logs of base and checkpoint; name of a benchmark that was not run -> why.

    Raises:
        UserError: A model cannot be asked, both are one, the folder holds answers of others, or the process of a model
            died.
    """
    reached = hub_reached()
    identity = _identity(plan, reached)
    not_run = _cannot(plan.benchmarks, LmmsTasks(), reached)
    with locked(plan.out, "asking") as lock:  # the processes of models inherit it: one that outlives us holds it
        _enter(plan.out, identity)
        asked = [one for one in plan.benchmarks if one.name not in not_run]
        for side in SIDES:
            _ask(plan, side, [one for one in asked if one.name not in not_run], lock, reached)
            for one in asked:
                failed = plan.out / side / f"{one.task}.failed"
                if failed.exists() and one.name not in not_run:
                    not_run[one.name] = f"lmms-eval, {side}: {failed.read_text(encoding='utf-8')}"
        logs = {one: _both(plan.out, one) for one in asked if one.name not in not_run}
    return logs, not_run


def _both(out: Path, benchmark: Benchmark) -> tuple[Logs, Logs]:
    base, checkpoint = (sample_logs(out / side / str(benchmark.task)) for side in SIDES)
    return base, checkpoint


def _identity(plan: TransferPlan, reached: bool) -> dict[str, Any]:
    """What decides the answers in a folder."""
    for side in SIDES:
        folder = Path(getattr(plan, side))
        if plan.model != "idf" and adapter_base(folder) is not None:
            raise UserError(
                f"{folder} holds adapters, which --model {plan.model} does not load: idf merge {folder} --out DIR"
            )
    models = {side: _fingerprint(getattr(plan, side), reached) for side in SIDES}
    if len(set(models.values())) == 1:
        raise UserError(f"{plan.base} and {plan.checkpoint} are one model, so all differences would be 0: name two")
    return models | {
        "limit": plan.limit,
        "model": plan.model,
        "model_args": plan.model_args,
        "batch_size": plan.batch_size,
        "lmms_eval": lmms_version(),
    }


def _fingerprint(model: str, reached: bool) -> str:
    if Path(model).is_dir():
        return weights_fingerprint(model)
    if not is_hub_name(model):
        raise UserError(f"no checkpoint in {model}")
    if not reached and not on_this_machine("models", model):
        raise UserError(
            f"{model} is not on this machine, and the hub cannot be reached: where there is a network, run hf download {model}, "
            "and copy HF_HOME here"
        )
    return weights_fingerprint(model)


def _cannot(benchmarks: Sequence[Benchmark], tasks: LmmsTasks, reached: bool) -> dict[str, str]:
    """Benchmarks that need not be tried -> why."""
    found = {}
    for one in benchmarks:
        if one.task is None or one.task not in tasks.files:
            found[one.name] = f"lmms-eval {lmms_version()} has no task for it"
        elif (data := tasks.dataset(one.task)) and not reached and not on_this_machine("datasets", data):
            found[one.name] = (
                "its data are not on this machine, and the hub cannot be reached: where there is a network, run hf download "
                f"--repo-type dataset {data}, and copy HF_HOME here"
            )
    return found


def _enter(out: Path, identity: dict[str, Any]) -> None:
    """Say in a folder whose answers it holds; refuse it if it holds others."""
    path = out / _IDENTITY
    if not path.exists():
        if any((out / side).exists() for side in SIDES):
            raise UserError(f"{out} holds answers but no {_IDENTITY}: choose another --out")
        if (out / "results.json").exists():
            raise UserError(f"{out} holds the table of logs (--results): choose another --out")
        path.write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
        return
    held = json.loads(path.read_text(encoding="utf-8"))
    if other := [key for key in identity if held.get(key) != identity[key]]:
        raise UserError(
            f"{out} holds answers with another {', '.join(other)}: give the same as then, or choose another --out"
        )


def _ask(plan: TransferPlan, side: str, benchmarks: Sequence[Benchmark], lock: int, reached: bool) -> None:
    folder = plan.out / side
    folder.mkdir(exist_ok=True)
    for failed in folder.glob("*.failed"):
        failed.unlink()  # tried again
    tasks = [str(one.task) for one in benchmarks if not (folder / str(one.task)).is_dir()]
    if not tasks:
        return
    device = "cpu" if why_no_gpu() else "cuda"
    given = [f"pretrained={getattr(plan, side)}", plan.model_args]
    ours = adapter_path("lmms-eval")
    written = folder / "plan.json"
    written.write_text(
        json.dumps(
            {
                "out": str(folder),
                "tasks": tasks,
                "limit": plan.limit,
                "model": plan.model,
                "model_args": ",".join(filter(None, given)),
                "device": device,
                "batch_size": plan.batch_size,
                "include": str(ours),
                "only_ours": all(LmmsTasks([ours]).files.get(task) is not None for task in tasks),
            },
            indent=2,
        ),
        encoding="utf-8",
    )
    log = folder / "log.txt"
    print(f"{side} ({getattr(plan, side)}): {', '.join(tasks)}; progress in {log}", file=sys.stderr, flush=True)
    offline = {} if reached else {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "idf.integrations.transfer.ask", str(written)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **offline},
            pass_fds=(lock,),
            preexec_fn=partial(end_with, os.getpid()),
        )
        try:
            status = process.wait()
        finally:
            process.terminate()
            process.wait()
    if status:
        last = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [""])[-1]
        raise UserError(
            f"the process of {side} ended with status {status} ({last.strip()[:300]}): {log} tells all; the same command resumes"
        )
