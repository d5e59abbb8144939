"""Restarts in which ranks might not meet, and a second job in a run, are refused before anything is begun."""

from __future__ import annotations

import subprocess
import sys

import pytest

from idf.training.engine import check_restarts
from idf.training.run_lock import lock_run
from tests.sentences import refused


def set_by_torchrun(monkeypatch: pytest.MonkeyPatch, restarts: str, its_store: str) -> None:
    """The two variables that torchrun gives its ranks (test_unkillable has them from torchrun itself, with --all)."""
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", restarts)
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", its_store)


def test_restarts_with_torchruns_own_store_are_refused(monkeypatch):
    set_by_torchrun(monkeypatch, "1", "True")
    with refused("--max-restarts", "--standalone", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"):
        check_restarts()


@pytest.mark.parametrize(("restarts", "its_store"), [("0", "True"), ("3", "False")])
def test_without_restarts_or_with_a_store_of_their_own_ranks_may_begin(monkeypatch, restarts, its_store):
    set_by_torchrun(monkeypatch, restarts, its_store)
    check_restarts()


HOLDER = """
import sys
from pathlib import Path

from idf.training.run_lock import lock_run

lock_run(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_run_that_another_process_holds_is_refused_until_it_ends(tmp_path):
    run = tmp_path / "run"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with refused("another job", run, "wait", "run="):
            lock_run(run, patience_seconds=0.3)
        holder.stdin.close()
        lock_run(run, patience_seconds=60)  # the lock ends with the process that held it
