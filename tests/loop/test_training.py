"""A loop on the tiny model: real answers, real training by torchrun, killed in the middle of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.training.conftest import Tiny, tiny  # noqa: F401 (a fixture)

from .conftest import SMALL

ROOT = Path(__file__).parents[2]
STAGE = [
    "gpus=1",
    "deepspeed=null",
    "wandb=false",
    "save_steps=2",
    "hook.mode=off",
    "rows_per_step=3",
    "tokens_per_row=768",
]


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "idf.cli.main", "loop", "--recipe", str(folder / "loop.yaml")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


@pytest.mark.slow
def test_a_loop_that_is_killed_in_training_leaves_none_running_and_goes_on_to_the_end(tiny: Tiny, tmp_path):  # noqa: F811
    asked = {"max_new_tokens": 8, "batch_size": 16}
    recipe = SMALL | {
        "model": str(tiny.model),
        "rounds": 1,
        "items": 2,
        "probe": {"problems": 1, "samples": 2, "share": 0.25},
        "traces": SMALL["traces"]
        | {
            "problems": 12,
            "teacher": {"name": "hf", "samples": 2, "temperature": 1.0, **asked},
            "prompts": {"idf-short-1": 1},
        },
        "train": {"recipe": "idf:quickstart/stage2.yaml", "overrides": STAGE, "nproc": 1, "updates": 6, "oracle": 1.0},
        "evaluation": {"modes": ["tqa"], "prompts": "idf-short-1", **asked},
    }
    (tmp_path / "loop.yaml").write_text(yaml.safe_dump(recipe))
    process, run = start(tmp_path), tmp_path / "out/round-1/train"
    patience = time.monotonic() + 300
    while not any(run.glob("checkpoint-*/idf.json")):
        assert process.poll() is None, (tmp_path / "log").read_text()[-3000:]
        assert time.monotonic() < patience
        time.sleep(0.01)
    training = psutil.Process(process.pid).children(recursive=True)
    assert training
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(training, timeout=120)
    assert not alive, "training ends with the loop that started it"
    assert start(tmp_path).wait() == 0, (tmp_path / "log").read_text()[-3000:]
    (first, last) = json.loads((tmp_path / "out/rounds.json").read_text())["rounds"]
    assert first["checkpoint"] == str(tiny.model)
    assert last["checkpoint"] == "out/round-1/train/final"
    assert last["updates"] == 6
    assert last["samples"] == 12, "an untrained model solves nothing, and the oracle tells all"
    facts = json.loads((run / "final/idf.json").read_text())
    assert facts["data"]["folder"] == "out/round-1/data"
    assert facts["parent"]["model"] == str(tiny.model)
    steps = [json.loads(line)["step"] for line in (run / "history.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 7))
    assert "resuming from" in (tmp_path / "log").read_text()
