"""`idf-eval` of a tiny model as a user runs it: killed again and again, shared by workers, equal to one nobody disturbs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from idf.suites import prompt_text, read_suite
from tests.backends.server import request
from tests.cli.running import run
from tests.sentences import line_that_says

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
ROOT = Path(__file__).parents[2]
STRATA = 15  # five worlds, three difficulties


@pytest.fixture(scope="module")
def each(request: pytest.FixtureRequest) -> int:
    """Items of each world and difficulty: 1,005 items in all, or 180."""
    return 67 if request.config.getoption("--all") else 12


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, each: int) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "suite"
    assert run("suite", "--out", folder, "--items", each, "max_pixels=3136") == 0
    return folder


@pytest.fixture(scope="module")
def model(suite: Path) -> Path:
    from idf.training.tiny import make_tiny_model

    texts = [request(prompt_text(item.problem, "tqa", "idf-short-1")) for item in read_suite(suite)[::20]]
    folder = suite.parent / "model"
    make_tiny_model([SimpleNamespace(samples=lambda: texts)], folder, vocabulary=600)  # type: ignore[list-item]
    return folder


def start(model: Path, suite: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    options = ["--suite", str(suite), "--modes", "vtqa", "--prompts", "idf-short-1", "--max-pixels", "3136"]
    options += ["--max-new-tokens", "3", "--batch-size", "16", "--out", str(out), *more]
    return subprocess.Popen(
        [sys.executable, "-m", "idf.cli.evaluate", str(model), *options],
        cwd=out.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    return out


def lines(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") - 1 for path in (out / "answers").glob("*.jsonl"))


@pytest.fixture(scope="module")
def straight(model: Path, suite: Path) -> Path:
    out = suite.parent / "straight"
    finish(start(model, suite, out))
    return out


def samples(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


def test_a_run_that_is_killed_equals_the_one_that_is_not(model, suite, straight, tmp_path, each, full):
    dice, out = random.Random(3), tmp_path / "killed"
    kills = 5 if full else 2
    for number in range(kills):
        process = start(model, suite, out)
        before, patience = lines(out), time.monotonic() + 120
        while lines(out) < before + dice.randrange(20, each * STRATA // 6):
            assert process.poll() is None, f"it ended before kill {number}: {process.communicate()[1][-2000:]}"
            assert time.monotonic() < patience
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert 20 * kills <= lines(out) < STRATA * each
    said = finish(start(model, suite, out))
    line_that_says(said, f"of {STRATA * each}", "answers", out / "answers", "asked again")
    assert (out / "samples.jsonl").read_bytes() == (straight / "samples.jsonl").read_bytes()
    assert len(samples(out)) == len({row["id"] for row in samples(out)}) == STRATA * each
    assert all(row["prompt_tokens"] and row["completion_tokens"] for row in samples(out))


def test_two_workers_answer_as_one_process_does(model, suite, straight, tmp_path):
    out = tmp_path / "workers"
    finish(start(model, suite, out, "--workers", "2"))
    assert len(list((out / "answers").glob("*.jsonl"))) == 2
    assert (out / "samples.jsonl").read_bytes() == (straight / "samples.jsonl").read_bytes()


def test_a_checkpoint_that_was_overwritten_does_not_get_the_answers_of_the_old_one(model, suite, straight, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    out, options = tmp_path / "out", ("--limit", "2")
    finish(start(model, suite, out, *options))
    line_that_says(finish(start(model, suite, out, *options)), "10 of 10", "answers", "asked again")
    kept = (model / "model.safetensors").read_bytes()
    try:
        torch.manual_seed(1)
        weights = {
            name: tensor + 0.1 * torch.randn_like(tensor)
            for name, tensor in load_file(model / "model.safetensors").items()
        }
        save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
        refused = start(model, suite, out, *options)
        _, said = refused.communicate(timeout=300)
        assert refused.returncode == 1
        line_that_says(said, out, "another evaluation", "fingerprint", "--overwrite")
        again = finish(start(model, suite, out, *options, "--overwrite"))
        line_that_says(again, "0 of 10", "answers", "asked again")
    finally:
        (model / "model.safetensors").write_bytes(kept)
