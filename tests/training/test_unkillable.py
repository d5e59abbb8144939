"""What kills a run loses nothing: kill -9 at any moment, signals, full disks, losses that are no numbers, ranks that hang."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psutil
import pytest

from tests.sentences import line_that_says, says

from .hub_layout import weights as weights_of
from .running import finish, history, imagery_recipe, ranks_of, run, sentence, start, wandb_rows

pytestmark = pytest.mark.slow
KILLS, KILLS_IN_CI = 20, 4


def wait_until(true, process: subprocess.Popen[str], seconds: float = 120) -> None:
    patience = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, "it ended early: " + process.communicate()[1][-3000:]
        assert time.monotonic() < patience, "nothing happened"
        time.sleep(0.002)


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue  # another kill took it along


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("straight")


@pytest.fixture(scope="module")
def straight(tiny, undisturbed):
    """A run that nobody disturbs: its recipe, its steps and its final weights."""
    folder = undisturbed
    # Two short rows a step: what matters here is the number of steps, and that there are several epochs.
    recipe = imagery_recipe(tiny, run="run", epochs=4, tokens_per_row=480, rows_per_step=2, save_steps=2)
    done = run("stage1.py", recipe, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return recipe, history(folder / "run"), weights_of(folder / "run" / "final")


@pytest.fixture
def step(straight, undisturbed) -> float:
    """How many seconds a step takes on this machine, now."""
    lines = (undisturbed / "run" / "history.jsonl").read_text().splitlines()
    return median(json.loads(line)["seconds"] for line in lines)


def being_saved(folder: Path, since: float) -> bool:
    """Whether a checkpoint is in the making that was begun after a moment."""
    for path in folder.glob(".saving-*"):
        try:
            if path.stat().st_mtime > since:
                return True
        except FileNotFoundError:
            continue  # it has got its name
    return False


def freeze_in_a_save(process: subprocess.Popen[str], folder: Path, since: float, seconds: float) -> None:
    """Stop all ranks some seconds into a save; where the save was quicker, go on and stop the next one in half of that."""
    wait_until(lambda: len(ranks_of(process)) == 2, process)
    workers = ranks_of(process)
    while True:
        wait_until(lambda: being_saved(folder, since), process)
        time.sleep(seconds)
        for worker in workers:
            worker.suspend()
        if being_saved(folder, since):
            return
        for worker in workers:
            worker.resume()
        seconds /= 2


@pytest.mark.timeout(1800)
def test_many_kills_change_no_digit(straight, step, tmp_path, full):
    recipe, steps, weights = straight
    dice = random.Random(5)
    folder = tmp_path / "run"
    saved_at_kill = 0
    for number in range(KILLS if full else KILLS_IN_CI):
        since = time.time()
        process = start("stage1.py", recipe, tmp_path)
        begun = len(history(folder))
        if number % 4 == 3:  # during a save: a folder that has not got its name yet
            freeze_in_a_save(process, folder, since, dice.uniform(0, 0.02))
            saved_at_kill += being_saved(folder, since)
        else:  # the history is cut back to the last checkpoint when a run begins
            more = dice.choice([1, 1, 2])
            seen = [begun]

            def stepped(seen=seen, more=more, number=number) -> bool:
                now = len(history(folder))
                seen.append(now)
                # From the third kill on a checkpoint is there: else, on a slow machine, none would ever be resumed from.
                there = number < 2 or (folder / "latest").exists()
                return now >= min(seen) + more and now > 0 and there

            wait_until(stepped, process)
            time.sleep(dice.uniform(0, 1.5 * step))
        workers = ranks_of(process)
        if number % 2:
            kill([*workers, psutil.Process(process.pid)])  # all ranks, and torchrun with them
        else:
            kill([dice.choice(workers)])  # one rank: torchrun ends the other
        finish(process, 120)
        assert not (folder / "final").exists(), f"it had finished before kill {number + 1}"
        latest = folder / "latest"
        assert not latest.exists() or (folder / latest.read_text().strip() / "idf.json").exists()
    assert saved_at_kill >= (2 if full else 1), "no kill fell into a save"
    done = run("stage1.py", recipe, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming from" in done.stdout
    assert history(folder) == steps
    final = weights_of(folder / "final")
    assert all(final[name].equal(weights[name]) for name in weights)
    assert not list(folder.glob(".saving-*"))
    assert (folder / "latest").read_text() == "final\n"


def test_a_signal_saves_and_ends_with_status_0_and_the_same_run_goes_on(straight, tmp_path):
    # As launch/slurm does it: torchrun itself ignores SIGTERM, its ranks get it from SLURM like every process of the job.
    recipe, steps, _ = straight
    recipe = {**recipe, "wandb": True, "save_steps": 1000, "loader_workers": 1}
    options = {"before": "trap '' TERM", "torchrun": ("--signals_to_handle", "SIGINT")}
    process = start("stage1.py", recipe, tmp_path, **options)
    wait_until(lambda: len(history(tmp_path / "run")) >= 3, process)
    workers = [child for rank in ranks_of(process) for child in rank.children()]
    assert len(workers) >= 2
    for member in [psutil.Process(process.pid), *ranks_of(process), *workers]:
        member.send_signal(signal.SIGTERM)
    done = finish(process)
    assert done.returncode == 0, done.stderr[-3000:]
    (checkpoint,) = (tmp_path / "run").glob("checkpoint-*")
    line_that_says(done.stdout, "stopped", "SIGTERM", "saved", f"run/{checkpoint.name}")
    assert re.search(r"torchrun --nproc_per_node 2 \S+stage1.py --recipe \S+run.yaml", done.stdout)
    again = run("stage1.py", recipe, tmp_path)
    assert again.returncode == 0, again.stderr[-3000:]
    assert history(tmp_path / "run") == steps
    assert [row["train/step"] for row in wandb_rows(tmp_path / "run") if "train/loss" in row] == [
        s["step"] for s in steps
    ]


@pytest.mark.parametrize(
    "by",
    [
        "SIGTERM to torchrun, which passes it on",
        pytest.param("SIGINT to all, as Ctrl-C sends it", marks=pytest.mark.full),
    ],
)
def test_a_signal_that_torchrun_has_as_well_saves(straight, tmp_path, by):
    recipe = {**straight[0], "save_steps": 1000, "loader_workers": 1}
    process = start("stage1.py", recipe, tmp_path)
    wait_until(lambda: len(history(tmp_path / "run")) >= 2, process)
    if by.startswith("SIGTERM"):
        process.send_signal(signal.SIGTERM)
    else:
        os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    line_that_says(done.stdout, "stopped", by.split()[0], "saved")
    assert list((tmp_path / "run").glob("checkpoint-*/idf.json"))


def test_a_loss_that_is_no_number_stops_with_a_sentence_that_names_the_last_good_checkpoint(tiny, tmp_path):
    recipe = imagery_recipe(tiny, run="run", epochs=4, learning_rate=1e30, warmup=0.9, save_steps=1)
    done = run("stage1.py", recipe, tmp_path, ranks=1)
    assert done.returncode == 1
    assert re.search(r"(loss|gradient's norm) is (nan|inf) at step \d+", sentence(done))
    says(sentence(done), "lower learning_rate")
    good = re.search(r"last good checkpoint\D* (run/checkpoint-\d+)", sentence(done))
    assert good, sentence(done)
    weights = weights_of(tmp_path / good[1])
    assert len(list((tmp_path / "run").glob("checkpoint-*"))) == len(history(tmp_path / "run"))
    assert weights


def test_a_loss_that_jumps_stops_with_a_sentence(tiny, tmp_path):
    # What differs from batch to batch is a jump if so little is allowed.
    recipe = imagery_recipe(tiny, run="run", epochs=8, learning_rate=1e-9, loss_spike=1e-4, save_steps=5)
    done = run("stage1.py", recipe, tmp_path, ranks=1)
    assert done.returncode == 1
    jumped = re.search(r"jumped to \d\.\d+ at step (\d+)", sentence(done))
    assert jumped
    saved = (int(jumped[1]) - 1) // 5 * 5
    says(sentence(done), "loss", "loss_spike (0.0001)", "last good checkpoint", f"run/checkpoint-{saved}")


def test_a_rank_that_dies_is_restarted_by_torchrun_and_goes_on(straight, tmp_path):
    recipe, steps, weights = straight
    alone = "export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"
    process = start("stage1.py", recipe, tmp_path, torchrun=("--max-restarts", "1"), before=alone)
    wait_until(lambda: (tmp_path / "run" / "checkpoint-2").exists(), process)
    kill(ranks_of(process)[1:])
    done = finish(process)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming from" in done.stdout
    assert history(tmp_path / "run") == steps
    final = weights_of(tmp_path / "run" / "final")
    assert all(final[name].equal(weights[name]) for name in weights)


@pytest.mark.full  # test_restarts stands for it in CI
def test_restarts_in_which_ranks_might_not_meet_are_refused(straight, tmp_path):
    done = run("stage1.py", straight[0], tmp_path, torchrun=("--max-restarts", "1"))
    assert done.returncode == 1
    lines = {line for line in done.stderr.splitlines() if line.startswith("error: ")}
    line_that_says(lines, "--max-restarts", "--standalone", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1")
    assert not (tmp_path / "run").exists()


@pytest.mark.full  # test_restarts holds the lock in CI
def test_a_second_job_in_the_same_run_is_refused_and_the_first_goes_on(straight, tmp_path):
    recipe, steps, _ = straight
    first = start("stage1.py", recipe, tmp_path)
    wait_until(lambda: (tmp_path / "run" / "checkpoint-2").exists(), first)
    for rank in ranks_of(first):
        rank.suspend()  # else it might be done before the second one has waited long enough
    second = run("stage1.py", recipe, tmp_path)
    for rank in ranks_of(first):
        rank.resume()
    assert second.returncode == 1
    says(sentence(second), "another job", "in run:", "wait", "run=")
    assert finish(first).returncode == 0
    assert history(tmp_path / "run") == steps


@pytest.mark.parametrize("moment", [pytest.param("in a step", marks=pytest.mark.full), "while a checkpoint is written"])
def test_a_rank_that_hangs_is_named_within_the_configured_time(tiny, tmp_path, moment):
    recipe = imagery_recipe(tiny, run="run", epochs=100, hang_seconds=20, save_steps=2 if "written" in moment else 1000)
    folder = tmp_path / "run"
    process = start("stage1.py", recipe, tmp_path)
    wait_until(lambda: len(history(folder)) >= 2, process)
    ranks = ranks_of(process)
    if "written" in moment:
        wait_until(lambda: any(folder.glob(".saving-*")), process)
    ranks[1].send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    while ranks[0].is_running() and ranks[0].status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() - stopped < 120, "nobody noticed"
        time.sleep(0.1)
    done = finish(process, 120)  # torchrun gives the stopped rank half a minute before it kills it
    assert done.returncode != 0
    line = sentence(done)
    says(line, "no sign of life", "rank 1", f"process {ranks[1].pid}", "last seen", "'step ")
    assert "rank 0" not in line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds one checkpoint and not two."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def resize(disk: Path, mebibytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={mebibytes}m", str(disk)], check=True)


@pytest.mark.parametrize("deepspeed", [pytest.param(None, marks=pytest.mark.full), "zero2"])
def test_a_full_disk_stops_with_a_sentence_and_loses_no_checkpoint(straight, small_disk, deepspeed):
    recipe = {**straight[0], "deepspeed": deepspeed}
    refused = run("stage1.py", recipe, small_disk)
    assert refused.returncode == 1
    says(sentence(refused), "run", "GB free", "keep_checkpoints")
    assert not (small_disk / "run" / "history.jsonl").exists(), "it was said before training"
    # There is room when it begins; then somebody else fills the disk.
    resize(small_disk, 200)
    process = start("stage1.py", recipe, small_disk)
    wait_until(lambda: (small_disk / "run" / "history.jsonl").exists(), process)
    resize(small_disk, 20)
    done = finish(process)
    assert done.returncode == 1
    says(sentence(done), "not be written", "disk", "full", "last good checkpoint", "run/checkpoint-2")
    assert (small_disk / "run" / "latest").read_text() == "checkpoint-2\n"
    resize(small_disk, 200)
    again = run("stage1.py", {**recipe, "keep_checkpoints": 1}, small_disk)
    assert again.returncode == 0, again.stderr[-3000:]
    line_that_says(again.stdout, "removing", "run/.saving-checkpoint-4")
    if deepspeed is None:
        assert history(small_disk / "run") == straight[1]


@pytest.mark.full  # a disk that fills up while it runs stands for it in CI
def test_a_disk_that_is_full_from_the_start_is_one_sentence(straight, small_disk):
    filling = subprocess.run(["dd", "if=/dev/zero", f"of={small_disk / 'filling'}"], capture_output=True, text=True)
    assert "No space left on device" in filling.stderr
    done = run("stage1.py", {**straight[0], "run": "disk/run"}, small_disk.parent)
    assert done.returncode == 1
    says(sentence(done), "disk is full", "same command again")


def test_another_number_of_ranks_is_refused_unless_weights_alone_are_wanted(straight, tmp_path):
    recipe, steps, _ = straight
    process = start("stage1.py", {**recipe, "keep_checkpoints": 1}, tmp_path)
    wait_until(lambda: (tmp_path / "run" / "checkpoint-4").exists(), process)
    kill([*ranks_of(process), psutil.Process(process.pid)])
    finish(process)
    refused = run("stage1.py", recipe, tmp_path, ranks=1)
    assert refused.returncode == 1
    says(sentence(refused), "ranks=1 instead of 2", "weights", "step", "moments do not", "resume=weights")
    done = run("stage1.py", recipe, tmp_path, "resume=weights", ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    line_that_says(done.stdout, "ranks=1 instead of 2", "weights", "schedule", "moments", "zero")
    begun = int(re.search(r"resuming from run/checkpoint-(\d+)", done.stdout)[1])
    found = history(tmp_path / "run")
    # Before the first update without moments the loss is the same up to rounding: same weights, same data.
    assert found[begun]["loss"] == pytest.approx(steps[begun]["loss"], rel=1e-5)
    assert [row["label_tokens"] for row in found] == [row["label_tokens"] for row in steps]
    assert [row["learning_rate"] for row in found] == [row["learning_rate"] for row in steps]
    assert found[begun + 1]["loss"] != steps[begun + 1]["loss"]
