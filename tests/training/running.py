"""Launch scripts as a user runs them: torchrun, gloo, the CPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parents[2]
HOOK = {
    "items": 2,
    "worlds": ["cube_rolling"],
    "difficulties": ["easy"],
    "modes": ["vtqa"],
    "prompts": "idf-short-1",
    "max_new_tokens": 8,
    "batch_size": 2,
}
COMMON: dict[str, Any] = {
    "device": "cpu",
    "gpus": 2,
    "precision": "fp32",
    "deepspeed": None,
    "gradient_checkpointing": False,
    "learning_rate": 1e-3,
    "tokens_per_row": 768,
    "rows_per_micro_batch": 1,
    "rows_per_step": 4,
    "max_pixels": 12544,
    "save_steps": 2,
    "keep_checkpoints": 5,
    "log_steps": 1,
    "loader_workers": 0,
    "wandb": False,
    "hook": {**HOOK, "mode": "off"},
}


def imagery_recipe(tiny: Any, **changes: Any) -> dict[str, Any]:
    """A recipe of stage 1 on the tiny model and data."""
    return {**COMMON, "stage": "imagery", "model": str(tiny.model), "data": str(tiny.imagery.path), **changes}


def start(
    script: str,
    recipe: dict[str, Any],
    folder: Path,
    *more: str,
    ranks: int = 2,
    torchrun: tuple[str, ...] = (),
    before: str = "",
) -> subprocess.Popen[str]:
    """Start a launch script in a process group of its own.

    Args:
        script: Its file name.
        recipe: Its recipe; written into the folder.
        folder: The working directory; `run` is relative to it.
        more: More arguments of the script.
        ranks: 0 for no torchrun.
        torchrun: More arguments of torchrun.
        before: Shell commands in front.
    """
    path = folder / f"{Path(recipe['run']).name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    command = [sys.executable]
    if ranks:
        rendezvous = () if "--rdzv_backend" in torchrun else ("--standalone",)
        command += ["-m", "torch.distributed.run", *rendezvous, "--nproc_per_node", str(ranks), *torchrun]
    command += [str(ROOT / "launch" / script), "--recipe", str(path), *more]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "WANDB_MODE": "offline",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        ["bash", "-c", f'{before}\nexec "$@"', "bash", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], seconds: float = 500) -> subprocess.CompletedProcess[str]:
    """Wait for the end of what `start` started."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def run(
    script: str, recipe: dict[str, Any], folder: Path, *more: str, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Start and wait."""
    return finish(start(script, recipe, folder, *more, **options))


def ranks_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that train, by rank."""
    found: dict[int, tuple[int, psutil.Process]] = {}
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    for child in children:
        try:
            rank = child.environ().get("RANK")
            if rank is not None:
                found[child.pid] = (int(rank), child)
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
    # What a rank started (loader workers, wandb's helper) has its environment.
    ranks = {}
    for rank, child in found.values():
        try:
            if child.ppid() not in found:
                ranks[rank] = child
        except psutil.NoSuchProcess:
            continue
    return [ranks[rank] for rank in sorted(ranks)]


TIMES = ("seconds", "data_wait", "teraflops", "memory_gib")
"""What a run notes of a step that is another figure each time."""


def history(run_folder: Path) -> list[dict[str, Any]]:
    """What a run wrote of its steps, times left out: the same digits for the same computation."""
    path = run_folder / "history.jsonl"
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            break
        rows.append({key: value for key, value in row.items() if key not in TIMES})
    return rows


def wandb_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all of wandb's folders in a run, in their order, by wandb's own reader."""
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    rows = []
    for path in sorted(folder.rglob("*.wandb")):
        store = DataStore()
        store.open_for_scan(str(path))
        while (data := store.scan_data()) is not None:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            if record.WhichOneof("record_type") == "history":
                rows.append({"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.history.item})
    return rows


def losses(out: str) -> list[float]:
    """The losses that a run printed."""
    lines = [line for line in out.splitlines() if line.startswith("step ")]
    return [float(line.split("loss ")[1].split()[0]) for line in lines]


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a run that was refused or stopped."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


def check_resumed_to_the_same_digits(script: str, recipe: dict[str, Any], folder: Path) -> None:
    """Train to the end on one rank, take away all behind checkpoint-2, train again, and compare every step.

    Args:
        script: The launch script.
        recipe: With `run: run`, and checkpoints every two steps.
        folder: Where to run.
    """
    done = run(script, recipe, folder, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    copy = folder / "again"
    shutil.copytree(folder / "run", copy)
    shutil.rmtree(copy / "final")
    for checkpoint in copy.glob("checkpoint-*"):
        if checkpoint.name != "checkpoint-2":
            shutil.rmtree(checkpoint)
    resumed = run(script, {**recipe, "run": "again"}, folder, ranks=1)
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert "resuming from" in resumed.stdout
    assert history(copy) == history(folder / "run")
