"""Which GPUs a worker gets, and what is said when one ends early."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from idf.evaluation import read_share, run_workers
from tests.sentences import refused


@pytest.mark.parametrize("text", ["", "1", "1/", "/2", "2/2", "-1/2", "a/b", "1/2/3"])
def test_what_is_no_share_is_refused(text):
    with refused("--worker", "0/8", "7/8", f"not {text}"):
        read_share(text)


def test_a_share_is_read():
    assert read_share("3/8") == (3, 8)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, list[str]]]:
    """GPUs and arguments of each worker; the third one fails."""
    seen: list[tuple[str | None, list[str]]] = []

    class Process:
        def __init__(self, command: list[str], env: dict[str, Any]) -> None:
            assert command[:3] == [sys.executable, "-m", "idf.cli.evaluate"]
            seen.append((env.get("CUDA_VISIBLE_DEVICES"), command[3:]))
            self.status = 9 if len(seen) == 3 else 0

        def wait(self) -> int:
            return self.status

        def poll(self) -> int:
            return self.status

    monkeypatch.setattr("idf.evaluation.run.workers.subprocess.Popen", Process)
    return seen


def test_each_worker_gets_a_gpu_of_its_own_and_its_share(started, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    run_workers(["model", "--out", "o"], 2)
    assert started == [
        ("4", ["model", "--out", "o", "--worker", "0/2"]),
        ("5", ["model", "--out", "o", "--worker", "1/2"]),
    ]


def test_gpus_that_share_a_model_are_neighbours(started, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    run_workers(["model"], 2, gpus_each=2)
    assert [gpus for gpus, _ in started] == ["0,1", "2,3"]
    with refused("worker", "8 GPUs", 5):
        run_workers(["model"], 1, gpus_each=8)


def test_a_worker_that_ends_early_is_named(started, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with refused("1 of 3 workers", "worker 2", "status 9", "same command again"):
        run_workers(["model"], 3)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
