"""The job files on a real SLURM: what its time limit, a requeue, a cancelled job and a lost node do to a run."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.sentences import line_that_says

from .hub_layout import weights as weights_of
from .running import ROOT, history, imagery_recipe
from .slurm import Slurm, missing, repository, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
# The environment of these tests, as commands; and python's own settings, so that two ranks fit on two cores.
ENTER = f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={ROOT} OMP_NUM_THREADS=1"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    if why := missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="idf-slurm-", dir="/tmp"))  # a socket's path has 107 characters at most
    running = Slurm(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def submit(slurm: Slurm, folder: Path, job: str, recipe: dict[str, Any], *options: str, how: str = ENTER) -> str:
    """Submit a job file for a recipe, from a folder like the repository; the job's number."""
    name = f"{recipe['run']}.yaml"
    (folder / name).write_text(yaml.safe_dump(recipe))
    return slurm.submit(
        folder, *options, f"launch/slurm/{job}", "launch/stage1.py", "--recipe", name, IDF_ENVIRONMENT=how
    )


def said(folder: Path, job: str) -> str:
    return (folder / f"{job}.log").read_text()


@pytest.fixture(scope="module")
def jobs(slurm, tiny, tmp_path_factory) -> tuple[Path, str, str]:
    """A job that reaches its time limit on a node, and beside it one over both nodes that is put back into the queue once."""
    folder = repository(tmp_path_factory.mktemp("repository"))
    (folder / "enter.sh").write_text(f"{ENTER}\n")
    recipe = imagery_recipe(tiny, run="limited", epochs=1000, save_steps=10000)
    # SLURM looks every half minute: the signal comes 10 to 40 seconds before the end of the minute.
    limited = submit(
        slurm, folder, "one_node.sbatch", recipe, "--time=1", "--signal=TERM@10", "--gpus-per-node=2", how="enter.sh"
    )
    recipe = imagery_recipe(tiny, run="queued", epochs=4, save_steps=3)
    queued = submit(slurm, folder, "nodes.sbatch", recipe, "--gpus-per-node=1")
    wait_until(lambda: len(history(folder / "queued")) >= 4)
    slurm.say("scontrol", "requeue", queued)
    for job in (limited, queued):
        slurm.wait_for(job, *ENDED)
    return folder, limited, queued


def test_a_job_that_reaches_its_time_limit_has_saved_and_ends_with_status_0(slurm, jobs):
    folder, job, _ = jobs
    assert slurm.fact("job", job, "JobState") == "COMPLETED", said(folder, job)[-3000:]
    assert slurm.fact("job", job, "ExitCode") == "0:0"
    (checkpoint,) = (folder / "limited").glob("checkpoint-*")
    line_that_says(said(folder, job), "stopped", "SIGTERM", "saved", f"limited/{checkpoint.name}")
    done = json.loads((checkpoint / "idf.json").read_text())
    assert done["step"] == len(history(folder / "limited"))
    assert done["ranks"] == 2, "a rank for each GPU that SLURM gave"
    assert weights_of(checkpoint)


def test_a_job_that_is_put_back_into_the_queue_resumes_and_its_log_is_appended(slurm, jobs):
    folder, _, job = jobs
    assert slurm.fact("job", job, "JobState") == "COMPLETED", said(folder, job)[-3000:]
    assert slurm.fact("job", job, "Restarts") == "1"
    log = said(folder, job)
    before, resumed, after = log.partition("resuming from")
    assert resumed, log[-3000:]
    line_that_says(before, "step 1/")
    line_that_says(after, "done", "queued/final")
    steps = [row["step"] for row in history(folder / "queued")]
    assert steps == list(range(1, len(steps) + 1)), "every step once"
    assert json.loads((folder / "queued/final/idf.json").read_text())["ranks"] == 2, "a rank on each of two nodes"


@pytest.mark.full
def test_a_cancelled_job_has_saved_and_the_same_line_resumes_it(slurm, tiny, tmp_path):
    folder = repository(tmp_path)
    recipe = imagery_recipe(tiny, run="run", epochs=8, save_steps=10000)
    job = submit(slurm, folder, "one_node.sbatch", recipe, "--gpus-per-node=2")
    wait_until(lambda: len(history(folder / "run")) >= 3)
    slurm.say("scancel", job)
    assert slurm.wait_for(job, *ENDED) == "CANCELLED"
    wait_until(lambda: list((folder / "run").glob("checkpoint-*")) != [])
    line_that_says(said(folder, job), "stopped", "SIGTERM", "saved")
    again = submit(slurm, folder, "one_node.sbatch", recipe, "--gpus-per-node=2")
    assert slurm.wait_for(again, *ENDED) == "COMPLETED", said(folder, again)[-3000:]
    line_that_says(said(folder, again), "resuming from")
    assert (folder / "run/final/idf.json").exists()


@pytest.mark.full
def test_a_job_whose_node_drops_starts_again_when_the_node_is_back_and_resumes(slurm, tiny, tmp_path):
    folder = repository(tmp_path)
    recipe = imagery_recipe(tiny, run="run", epochs=12, save_steps=4)
    job = submit(slurm, folder, "nodes.sbatch", recipe, "--gpus-per-node=1")
    wait_until(lambda: len(history(folder / "run")) >= 5)
    slurm.kill_node("n2")
    for process in of_node("n2", job):
        process.kill()
    wait_until(lambda: slurm.fact("job", job, "Restarts") == "1" or slurm.fact("job", job, "JobState") in ENDED)
    assert slurm.fact("job", job, "JobState") not in ENDED, said(folder, job)[-3000:]
    slurm.start_node("n2")
    assert slurm.wait_for(job, *ENDED) == "COMPLETED", said(folder, job)[-3000:]
    line_that_says(said(folder, job), "resuming from")
    assert (folder / "run/final/idf.json").exists()


@pytest.mark.full
def test_data_and_evaluation_run_as_jobs(slurm, tiny, tmp_path):
    folder = repository(tmp_path)
    rolls = ("worlds={cube_rolling: 1}", "difficulties={easy: 1}", "max_pixels=3136")
    small = ("--cpus-per-task=2", "launch/slurm/data.sbatch", "idf")
    data = slurm.submit(folder, *small, "imagery", "--out", "data", "--samples", "6", *rolls, IDF_ENVIRONMENT=ENTER)
    worlds = ("worlds=[cube_rolling]", "difficulties=[easy]", "max_pixels=12544")
    suite = slurm.submit(folder, *small, "suite", "--out", "suite", "--items", "3", *worlds, IDF_ENVIRONMENT=ENTER)
    for job in (data, suite):
        assert slurm.wait_for(job, *ENDED) == "COMPLETED", said(folder, job)
    line_that_says(said(folder, data), "6 imagery samples")
    asked = ("--suite", "suite", "--modes", "tqa", "--max-new-tokens", "4", "--out", "results")
    job = slurm.submit(
        *(folder, "--gpus-per-node=2", "launch/slurm/evaluate.sbatch", "idf-eval", tiny.model, *asked),
        IDF_ENVIRONMENT=ENTER,
    )
    assert slurm.wait_for(job, *ENDED) == "COMPLETED", said(folder, job)[-3000:]
    assert len((folder / "results/samples.jsonl").read_text().splitlines()) == 3


def of_node(name: str, job: str) -> list[psutil.Process]:
    """What of a job runs on a node, and what started it."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if (environment.get("SLURMD_NODENAME"), environment.get("SLURM_JOB_ID")) == (name, job):
                found.append(process)
                found += [parent for parent in process.parents() if parent.name() == "slurmstepd"]
        except psutil.Error:
            continue
    return list(dict.fromkeys(found))
