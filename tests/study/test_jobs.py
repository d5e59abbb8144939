"""Processes, a few at once: in order, not again, and not beside those of an earlier start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.study._jobs import Job, locked, run_jobs
from idf.errors import UserError

ROOT = Path(__file__).parents[2]


def job(folder: Path, name: str, script: str, *needs: str, seconds: float = 1.0) -> Job:
    """A job that is done when it has written its file."""
    return Job(
        name=name,
        command=["bash", "-c", f"cd {folder} && {script}"],
        done=lambda: (folder / name).exists(),
        log=folder / f"{name}.log",
        seconds=seconds,
        needs=needs,
    )


def run(jobs: list[Job], folder: Path, at_once: int = 2) -> list[str]:
    said: list[str] = []
    with locked(folder / "lock", said.append) as lock:
        run_jobs(jobs, at_once, lock, said.append)
    return said


def test_a_job_waits_for_what_it_needs_and_two_run_at_once(tmp_path):
    meet = "touch {0}-here; for i in $(seq 1200); do [ -e {1}-here ] && break; sleep 0.05; done; [ -e {1}-here ] && touch {0}"
    run(
        [
            job(tmp_path, "a", meet.format("a", "b")),
            job(tmp_path, "c", "[ -e a ] && touch c", "a"),
            job(tmp_path, "b", meet.format("b", "a")),
        ],
        tmp_path,
    )
    assert (tmp_path / "c").exists()


def test_what_is_done_is_not_run_again_and_the_rest_is(tmp_path):
    jobs = [job(tmp_path, "a", "echo a >> ran; touch a"), job(tmp_path, "b", "echo b >> ran; touch b", "a")]
    run(jobs, tmp_path)
    (tmp_path / "b").unlink()
    said = run(jobs, tmp_path)
    assert (tmp_path / "ran").read_text().split() == ["a", "b", "b"]
    assert said[0].startswith("1 of 2 processes have ended well before; 1 are left")
    assert said[-1].startswith("2/2  b: ")
    assert said[-1].endswith("0 min left")


def test_a_job_that_fails_ends_the_others_and_is_named_with_its_last_words(tmp_path):
    jobs = [job(tmp_path, "slow", "sleep 60; touch slow"), job(tmp_path, "bad", "echo 'error: no luck'; exit 3")]
    begun = time.monotonic()
    with pytest.raises(UserError, match=r"bad ended with status 3: error: no luck .*start the study again"):
        run(jobs, tmp_path)
    assert time.monotonic() - begun < 30
    assert not (tmp_path / "slow").exists()


def test_a_job_that_ends_well_without_its_file_has_failed(tmp_path):
    with pytest.raises(UserError, match="a ended with status 0"):
        run([job(tmp_path, "a", "true")], tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_killed_with_sigkill_it_leaves_no_process_behind_and_the_next_call_waits_for_the_last_one(tmp_path):
    script = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.study.test_jobs import job, run
folder = Path({str(tmp_path)!r})
run([job(folder, "a", "trap 'sleep 4; touch ended; exit 0' TERM; touch begun; while true; do sleep 0.1; done")], folder)
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    said = run([job(tmp_path, "b", "[ -e ended ] && touch b")], tmp_path)
    assert "waiting for processes of an earlier start to end" in said[0]
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
