"""`history.jsonl` as a full disk, a kill or an editor may leave it; wandb after a kill, read by its own reader."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from idf.training.log import HISTORY, RunLog, StepFacts, clock, read_history
from idf.training.recipe import HookRecipe, StageRecipe
from tests.sentences import line_that_says

from .running import ROOT, wandb_rows


def test_a_broken_line_costs_that_line_alone(tmp_path, capsys):
    rows = [{"step": step, "loss": 1.0 / step} for step in range(1, 7)]
    lines = [json.dumps(row) for row in rows]
    lines[1], lines[3] = '{"step": 2, "los', "[4]"
    (tmp_path / HISTORY).write_text("\n".join(lines) + "\n")
    assert read_history(tmp_path) == [rows[0], rows[2], rows[4], rows[5]]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    for number in (2, 4):
        line_that_says(said, tmp_path / HISTORY, f"line {number}", "broken")


def test_a_last_line_that_a_kill_cut_off_is_left_out_in_silence(tmp_path, capsys):
    (tmp_path / HISTORY).write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert [row["step"] for row in read_history(tmp_path)] == [1]
    assert capsys.readouterr().out == ""
    assert read_history(tmp_path / "nowhere") == []


# --- how far the run is, and when it will end --------------------------------------------------------------------


def line_after(log: RunLog, capsys: pytest.CaptureFixture[str], step: int, seconds: float = 6.0) -> str:
    log.step(StepFacts(step, 1.0, 1.0, 1e-5, 10, 20, seconds, 0.1, 25.0, None))
    return capsys.readouterr().out.rstrip("\n")


def log_of(folder: Path, mode: str, steps: int = 12) -> RunLog:
    recipe = StageRecipe(
        "imagery", "m", "d", str(folder), save_steps=4, epochs=2.0, wandb=False, hook=HookRecipe(mode=mode)
    )
    return RunLog(recipe, 2, steps, 0, None, epochs=recipe.epochs)


def test_the_line_tells_the_epoch_and_the_end_with_saves_and_evaluations(tmp_path, capsys):
    log = log_of(tmp_path, "inline")
    line = line_after(log, capsys, 3)
    assert line.startswith("step 3/12  epoch 0.50/2  loss 1.0000")
    assert (
        "  0.9 min left and 3 saves and 3 evaluations, ends after " in line
    )  # 9 steps of 6 s; saves at 4 and 8, and final
    log.took("saves", 60.0)
    log.took("evaluations", 90.0)
    # 7 steps of 6 s, and a save and an evaluation at 8 and at the end: 42 + 120 + 180 s
    assert "  5.7 min left, ends " in line_after(log, capsys, 5)
    assert "  5.4 min left, ends " in line_after(log, capsys, 8), "the line stands before the save of its own step"
    assert "  2.5 min left, ends " in line_after(log, capsys, 12), "final/ and its evaluation"


def test_a_hook_that_runs_elsewhere_takes_no_time_of_the_run(tmp_path, capsys):
    log = log_of(tmp_path, "watch")
    assert "  1.1 min left and 3 saves, ends after " in line_after(log, capsys, 1)
    log.took("saves", 60.0)
    assert line_after(log, capsys, 12).split("  ")[-1].startswith("1.0 min left, ends ")


def test_one_save_is_no_plural(tmp_path, capsys):
    assert " min left and 1 save, ends after " in line_after(log_of(tmp_path, "off", steps=3), capsys, 2)


@pytest.mark.parametrize(
    ("minutes", "told"), [(0, "22:50"), (69, "23:59"), (70, "2026-11-30 00:00"), (70 + 24 * 60, "2026-12-01 00:00")]
)
def test_the_end_has_a_date_if_it_is_another_day(minutes, told):
    assert clock(60 * minutes, datetime(2026, 11, 29, 22, 50)) == told


# --- wandb -------------------------------------------------------------------------------------------------------

JOB = """
import sys
from idf.training.log import RunLog, StepFacts
from idf.training.recipe import StageRecipe
done, last = int(sys.argv[1]), int(sys.argv[2])
known = {"checkpoint-4": {"vtqa": 0.25}} if done >= 4 else {}
log = RunLog(StageRecipe("imagery", "m", "d", "run"), 2, 12, done, (100.0, "test"), known)
for step in range(done + 1, last + 1):
    log.step(StepFacts(step, 1 / step, 1.0, 1e-5, 10 * step, 20 * step, 2.0, 0.1, 25.0, None))
    if step in (4, 8):
        log.evaluation(step, {"vtqa": step / 16})
if last == 12:
    log.close()
print("END", flush=True)
sys.stdin.read()
"""


def job(folder: Path, done: int, last: int, kill: signal.Signals | None = None) -> str:
    """A job that logs some steps, and is killed with all that it started (or ends); what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOB, str(done), str(last)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WANDB_MODE": "offline"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines = []
    while (line := process.stdout.readline()) != "END\n":
        assert line, "it ended by itself"
        lines.append(line)
    if kill is not None:
        for member in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            member.send_signal(kill)
    process.stdin.close()
    process.wait(120)
    assert kill is not None or process.returncode == 0
    return "".join(lines)


@pytest.mark.slow
def test_an_offline_run_that_was_killed_twice_has_every_step_once_in_all_of_wandbs_folders(tmp_path):
    (tmp_path / "run").mkdir()
    job(tmp_path, 0, 6, signal.SIGKILL)  # its last checkpoint is of step 4
    job(tmp_path, 4, 9, signal.SIGTERM)  # of step 8
    said = job(tmp_path, 8, 12)
    rows = wandb_rows(tmp_path / "run")
    trained = [row for row in rows if "train/loss" in row]
    assert [row["train/step"] for row in trained] == list(range(1, 13))
    assert [row["train/loss"] for row in trained] == [1 / step for step in range(1, 13)]
    assert {row["train/mfu"] for row in trained} == {0.25}
    answered = [(row["train/step"], row["eval/vtqa_accuracy"]) for row in rows if "eval/vtqa_accuracy" in row]
    assert answered == [(4, 0.25)], "the third job was told of one checkpoint"
    (whole,) = (tmp_path / "run/wandb").glob("offline-run-*")
    line_that_says(said, f"run/wandb/{whole.name}", "run/wandb/replaced")
    kept = list((tmp_path / "run/wandb/replaced").glob("offline-run-*/*.wandb.replaced"))
    assert len(kept) == 2, "what earlier jobs measured of the machine is not thrown away"
    assert {path.name.split(".")[0] for path in kept} == {next(whole.glob("*.wandb")).stem}, "one run at wandb, one id"


def test_a_run_that_resumes_online_sends_no_step_a_second_time(tmp_path, monkeypatch):
    import wandb

    sent: list[dict[str, Any]] = []
    online = SimpleNamespace(
        offline=False, resumed=True, summary={"train/step": 6}, log=sent.append, define_metric=lambda *_, **__: None
    )
    monkeypatch.setattr(wandb, "init", lambda **_: online)
    log = RunLog(StageRecipe("imagery", "m", "d", str(tmp_path)), 2, 12, 4, None)
    for step in range(5, 9):
        log.step(StepFacts(step, 1 / step, 1.0, 1e-5, 10, 20, 2.0, 0.1, 25.0, None))
    assert [row["train/step"] for row in sent] == [7, 8]
