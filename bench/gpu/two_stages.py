"""Both stages of the quickstart's recipe with a model of 100 million parameters, through launch/ and idf-eval."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from settings import ROOT
from train_data import Width, resize

# 9 layers of 10.6 million parameters, a vision part of 5 million; a head is 64 wide.
WIDTH = Width(hidden=768, intermediate=4032, layers=9, vision=256, depth=4, deviation=0.02)
TINY = Width(hidden=128, intermediate=384, layers=2, vision=64, depth=2)
PROMPTS, NEW_TOKENS = "idf-short-1", 160  # as launch/quickstart.sh has them
# The quickstart's rates are for a model a hundredth of this size; a wider one wants smaller steps.
RATES = {"stage1": 5e-4, "stage2": 2.5e-4}


def measure(spec: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Train stage 1, then stage 2; ask each checkpoint the quickstart's suite."""
    cpu, data, work = spec["cpu"], Path(spec["data"]) / "quickstart", Path(spec["scratch"]) / "two-stages"
    report({"model": resize(data / "tiny", work / "base", TINY if cpu else WIDTH)})
    found: dict[str, Any] = {"base": {"accuracy": _asked(work / "base", data / "suite", work / "eval-base", cpu)}}
    report({"checkpoints": found})
    model = work / "base"
    for stage, samples in (("stage1", "imagery"), ("stage2", "traces")):
        begun = time.perf_counter()
        run = work / stage
        _train(stage, model, data / samples, run, cpu)
        seconds = time.perf_counter() - begun
        model = run / "final"
        found[stage] = _history(run) | {"wall_seconds": round(seconds, 1)}
        report({"checkpoints": found})
        begun = time.perf_counter()
        found[stage] |= {"accuracy": _asked(model, data / "suite", work / f"eval-{stage}", cpu)}
        found[stage] |= {"evaluation_seconds": round(time.perf_counter() - begun, 1)}
        report({"checkpoints": found})


def _train(stage: str, model: Path, data: Path, run: Path, cpu: bool) -> None:
    """One launch script under torchrun; on a GPU the recipe's two ranks become one, with the same rows in a step."""
    changes: dict[str, Any] = {"model": model, "data": data, "run": run, "gpus": 1, "rows_per_micro_batch": 6}
    changes |= {"wandb": "false", "hook.mode": "off", "learning_rate": RATES[stage]}
    if not cpu:
        changes |= {"device": "gpu", "precision": "bf16", "loader_workers": 4}
    call = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"]
    call += [str(ROOT / f"launch/{stage}.py"), "--recipe", str(ROOT / f"recipes/quickstart/{stage}.yaml")]
    _run(f"launch/{stage}.py", [*call, *(f"{key}={value}" for key, value in changes.items())])


def _history(run: Path) -> dict[str, Any]:
    """The run's own log; its first step, which starts the loader, is left out of the speed."""
    steps = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    seconds = sum(step["seconds"] for step in steps[1:])
    return {
        "steps": len(steps),
        "loss": [round(step["loss"], 4) for step in (steps[0], steps[len(steps) // 2], steps[-1])],
        "tokens_per_second": round(sum(step["tokens"] for step in steps[1:]) / seconds, 1) if seconds else None,
        "training_seconds": round(seconds, 1),
    }


def _asked(model: Path, suite: Path, out: Path, cpu: bool) -> dict[str, Any]:
    """Accuracy by mode, as idf-eval writes it."""
    call = [sys.executable, "-c", "from idf.cli.evaluate import main; main()", str(model), "--suite", str(suite)]
    call += ["--modes", "tqa,vtqa", "--prompts", PROMPTS, "--max-new-tokens", str(8 if cpu else NEW_TOKENS)]
    _run("idf-eval", [*call, "--batch-size", "100", "--out", str(out)])
    cells = json.loads((out / "results.json").read_text())["worlds"]["cube_rolling"]
    keys = ("n", "correct", "accuracy", "wilson95", "tokens_median")
    return {mode: {key: cell["all"][key] for key in keys} for mode, cell in cells.items()}


def _run(name: str, call: Sequence[str]) -> None:
    """A command whose output goes to the log."""
    done = subprocess.run(call, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "2"})
    if done.returncode:
        raise RuntimeError(f"{name} ended with status {done.returncode}: see log.txt")
