"""`idf-eval --watch`: every checkpoint once, in order, with the hook's own numbers, whatever happens meanwhile."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idf.backends import HFBackend
from idf.training import evaluation_lock
from idf.training import watch as watch_module
from idf.training.evaluation_lock import take_lock
from idf.training.evaluations import evaluated, failure_file
from idf.training.hook import EvaluationHook
from idf.training.recipe import LoraRecipe
from idf.training.watch import recipe_of, watch
from tests.cli.running import evaluate, one_sentence
from tests.sentences import line_that_says, missing, refused, says

from .checkpoints import HOOK, recipe_for, results, samples, save, score

QUICK = {"poll_seconds": 0.05, "patience_seconds": 0.2}


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Which checkpoints were evaluated, in order; nobody generates anything."""
    names: list[str] = []

    def answer(folder: Path, *arguments: Any, **options: Any) -> list[Any]:
        names.append(folder.name)
        return []

    def write(folder: Path, *arguments: Any) -> dict[str, float]:
        score(folder.parent, folder.name, vtqa=0.5)
        return {"vtqa": 0.5}

    monkeypatch.setattr(watch_module, "evaluate_checkpoint", answer)
    monkeypatch.setattr(watch_module, "conclude", write)
    return names


@pytest.fixture
def empty(tmp_path) -> Path:
    """The folder of a model that nobody loads."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


# --- the hook's numbers ------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_inline_hook_on_the_same_checkpoint(tiny, run, capsys):
    recipe = recipe_for(run)
    folder = save(tiny.model, recipe, "final")
    macro = EvaluationHook(recipe).run(folder)
    inline = samples(run, "final"), results(run, "final")
    table = capsys.readouterr().out
    shutil.rmtree(run / "evaluations")
    assert evaluate("--watch", run, "--poll", 0.1) == 0
    assert (samples(run, "final"), results(run, "final")) == inline
    assert evaluated(run) == {"final": macro}
    assert [path.name for path in (run / "evaluations").iterdir()] == ["final"]
    out = capsys.readouterr().out
    assert table in out
    says(out.splitlines()[-1], run, "1 evaluated", "0 failed", "0 removed")


def test_each_checkpoint_is_asked_what_its_own_recipe_says(tiny, run):
    first = recipe_for(run, hook=replace(HOOK, items=1, modes=["tqa"], worlds=["moving_box"]))
    save(tiny.model, first, "checkpoint-2")
    save(tiny.model, recipe_for(run, hook=replace(HOOK, items=2, modes=["tqa"], max_new_tokens=2)), "final")
    assert watch(run, **QUICK) == 0
    told = [results(run, name)["run"] for name in ("checkpoint-2", "final")]
    assert [(facts["items"], facts["worlds"], facts["max_new_tokens"]) for facts in told] == [
        (1, ["moving_box"], 4),
        (4, ["cube_rolling", "moving_box"], 2),
    ]


def test_a_recipe_comes_back_from_a_checkpoint_as_it_was(empty, run):
    recipe = recipe_for(run, lora=LoraRecipe(rank=3), learning_rate=3e-7, wandb=False, loss_spike=None)
    recipe = replace(recipe, model='a "model": ünïcode #1', hook=replace(HOOK, mode="off"))
    assert recipe_of(save(empty, recipe, "checkpoint-2")) == recipe


def test_a_recipe_with_an_unknown_key_names_the_file(empty, run):
    folder = save(empty, recipe_for(run), "checkpoint-2")
    facts = json.loads((folder / "idf.json").read_text())
    facts["recipe"]["of_tomorrow"] = 1
    (folder / "idf.json").write_text(json.dumps(facts))
    with refused(folder / "idf.json", "unknown key", "of_tomorrow"):
        recipe_of(folder)


# --- once each, in order -----------------------------------------------------------------------------------------


def test_checkpoints_are_taken_by_step_and_final_comes_last(asked, empty, run):
    for name in ("final", "checkpoint-100", "checkpoint-20", "checkpoint-3"):
        save(empty, recipe_for(run), name)
    assert watch(run, **QUICK) == 0
    assert asked == ["checkpoint-3", "checkpoint-20", "checkpoint-100", "final"]


def test_what_is_not_a_complete_checkpoint_is_not_picked_up(asked, empty, run, capsys):
    shutil.copytree(save(empty, recipe_for(run), "checkpoint-2"), run / ".saving-checkpoint-3")
    for name in ("checkpoint-old", "checkpoint-4-copy", "finale"):
        shutil.copytree(run / "checkpoint-2", run / name)
    (run / "checkpoint-5").mkdir()
    assert watch(run, **QUICK) == 0
    assert asked == ["checkpoint-2"]
    line_that_says(capsys.readouterr().out, "nothing new", run, "0.2 s", "final")


def test_a_checkpoint_is_picked_up_when_it_becomes_complete(asked, empty, run, monkeypatch):
    save(empty, recipe_for(run), "checkpoint-2")
    appear = ["checkpoint-4", "final"]
    monkeypatch.setattr(time, "sleep", lambda seconds: save(empty, recipe_for(run), appear.pop(0)))
    assert watch(run, poll_seconds=1, patience_seconds=100) == 0
    assert asked == ["checkpoint-2", "checkpoint-4", "final"]


def test_a_restart_skips_what_was_evaluated(asked, empty, run):
    for name in ("checkpoint-2", "checkpoint-4"):
        save(empty, recipe_for(run), name)
    score(run, "checkpoint-2", vtqa=0.5)
    assert watch(run, **QUICK) == 0
    assert watch(run, **QUICK) == 0
    assert asked == ["checkpoint-4"]


def test_a_watcher_may_begin_before_training(asked, tmp_path, capsys):
    assert watch(tmp_path / "later", **QUICK) == 0
    line_that_says(capsys.readouterr().out, tmp_path / "later", "not there yet", "waiting")


def test_what_another_watcher_finished_before_the_lock_was_ours_is_not_done_again(asked, empty, run, monkeypatch):
    save(empty, recipe_for(run), "final")

    def take_late(place: Path) -> Any:
        score(run, "final", vtqa=0.5)
        return take_lock(place)

    monkeypatch.setattr(watch_module, "take_lock", take_late)
    assert watch(run, **QUICK) == 0
    assert asked == []
    assert [path.name for path in (run / "evaluations").iterdir()] == ["final"]


WATCHER = """
import sys, time
from pathlib import Path
from idf.training import watch as w
names = []
def answer(folder, *arguments, **options):
    names.append(folder.name)
    time.sleep(0.3)
    return []
def write(folder, *arguments):
    out = folder.parent / "evaluations" / folder.name
    out.mkdir()  # a second evaluation would fail here
    (out / "results.json").write_text("{}")
w.evaluate_checkpoint, w.conclude = answer, write
run = Path(sys.argv[1])
(run / f"ready-{sys.argv[2]}").touch()
while len(list(run.glob("ready-*"))) < 2:
    time.sleep(0.01)
failed = w.watch(run, poll_seconds=0.05, patience_seconds=20)
print("asked", *names)
sys.exit(failed)
"""


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_watchers_at_once_share_the_checkpoints(empty, run):
    names = [*(f"checkpoint-{step}" for step in range(1, 8)), "final"]
    for name in names:
        save(empty, recipe_for(run), name)
    both = [start(WATCHER, run, i) for i in range(2)]
    said = [process.communicate(timeout=200) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    shares = [out.split("asked")[1].split() for out, _ in said]
    assert sorted(shares[0] + shares[1]) == sorted(names)
    assert all(shares), "one of them did everything"
    assert not list((run / "evaluations").glob(".*"))


# --- locks -------------------------------------------------------------------------------------------------------


def leave_lock(run: Path, name: str, host: str, pid: int, hours: float = 0.0) -> Path:
    place = run / "evaluations" / f".lock-{name}"
    place.mkdir(parents=True)
    (place / "owner.json").write_text(json.dumps({"host": host, "pid": pid}))
    then = time.time() - 3600 * hours
    os.utime(place / "owner.json", (then, then))
    return place


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("host", "pid", "hours", "taken"),
    [
        ("here", "dead", 0, "gone"),
        ("here", "ours", 0, "earlier process"),
        ("here", "alive", 0, None),
        ("here", "alive", 3, "3.0 hours"),
        ("elsewhere", "dead", 1, None),
        ("elsewhere", "dead", 3, "3.0 hours"),
    ],
)
def test_a_stale_lock_is_taken_over_and_a_live_one_is_not(host, pid, hours, taken, asked, empty, run, capsys):
    save(empty, recipe_for(run), "final")
    number = {"dead": dead_pid(), "ours": os.getpid(), "alive": os.getppid()}[pid]
    place = leave_lock(run, "final", socket.gethostname() if host == "here" else host, number, hours)
    assert watch(run, **QUICK) == 0
    assert asked == (["final"] if taken else [])
    assert place.exists() == (taken is None)
    out = capsys.readouterr().out
    assert (".lock-final" in out) == bool(taken)
    if taken:
        line_that_says(out, "taking", ".lock-final", f"process {number}", taken)


def test_of_many_that_take_a_claim_one_gets_it(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from idf.training.evaluation_lock import take_lock\n"
        "while time.time() < float(sys.argv[2]): pass\n"
        "got = sum(take_lock(Path(sys.argv[1]) / f'.lock-{i}') is not None for i in range(50))\n"
        "print(got); time.sleep(3)"  # a process that has ended holds no locks
    )
    begin = time.time() + 4
    processes = [start(code, tmp_path, begin) for _ in range(3)]
    got = [int(process.communicate(timeout=100)[0]) for process in processes]
    assert sum(got) == 50, got


def test_a_lock_made_since_one_looked_is_put_back(tmp_path, monkeypatch):
    place = leave_lock(tmp_path, "final", socket.gethostname(), os.getppid())
    stale = {"host": "elsewhere", "pid": 1}
    assert not evaluation_lock._remove(place, stale)
    assert take_lock(place) is None


def test_a_watcher_shows_that_it_lives_between_batches(tiny, run, monkeypatch):
    ages: list[float] = []
    answer = HFBackend._batch
    owner = run / "evaluations" / ".lock-final" / "owner.json"

    def look_and_answer(*arguments: Any) -> Any:
        ages.append(time.time() - owner.stat().st_mtime)
        os.utime(owner, (0, 0))
        return answer(*arguments)

    monkeypatch.setattr(HFBackend, "_batch", look_and_answer)
    save(tiny.model, recipe_for(run), "final")
    assert watch(run, poll_seconds=0.001, patience_seconds=1) == 0
    assert len(ages) == 4
    assert max(ages) < 100


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_a_checkpoint_removed_while_it_is_loaded_is_counted_and_no_failure(tiny, run, capsys, monkeypatch):
    for name in ("checkpoint-2", "final"):
        save(tiny.model, recipe_for(run, hook=replace(HOOK, modes=["tqa"], items=1)), name)
    load = HFBackend.__init__

    def load_and_remove(self: HFBackend, folder: str, **options: Any) -> None:
        load(self, folder, **options)
        if folder.endswith("checkpoint-2"):
            shutil.rmtree(folder)

    monkeypatch.setattr(HFBackend, "__init__", load_and_remove)
    assert watch(run, **QUICK) == 0
    out = capsys.readouterr().out
    line_that_says(out, run / "checkpoint-2", "removed by training", "while")
    says(out.splitlines()[-1], "1 evaluated", "0 failed", "1 removed")
    assert list(evaluated(run)) == ["final"]
    assert not failure_file(run / "checkpoint-2").exists()


def test_a_checkpoint_removed_once_it_is_loaded_has_its_results(tiny, run, monkeypatch):
    folder = save(tiny.model, recipe_for(run), "checkpoint-2")
    answer = HFBackend._batch

    def remove_and_answer(*arguments: Any) -> Any:
        shutil.rmtree(folder, ignore_errors=True)
        return answer(*arguments)

    monkeypatch.setattr(HFBackend, "_batch", remove_and_answer)
    assert watch(run, **QUICK) == 0
    assert list(evaluated(run)) == ["checkpoint-2"]


def test_a_checkpoint_removed_before_its_turn_is_counted_once(asked, empty, run, capsys, monkeypatch):
    for name in ("checkpoint-2", "checkpoint-4", "final"):
        save(empty, recipe_for(run), name)
    answer = watch_module.evaluate_checkpoint

    def remove_next(folder: Path, *arguments: Any, **options: Any) -> Any:
        shutil.rmtree(run / "checkpoint-4", ignore_errors=True)
        return answer(folder, *arguments, **options)

    monkeypatch.setattr(watch_module, "evaluate_checkpoint", remove_next)
    assert watch(run, **QUICK) == 0
    assert asked == ["checkpoint-2", "final"]
    out = capsys.readouterr().out
    removed = [line for line in out.splitlines() if not missing(line, run / "checkpoint-4", "removed")]
    assert len(removed) == 1
    says(removed[0], "before")
    says(out.splitlines()[-1], "1 removed")


def test_a_checkpoint_that_fails_is_noted_not_retried_and_the_status_is_1(tiny, run, capsys):
    hook = replace(HOOK, modes=["tqa"], items=1)
    for name in ("checkpoint-2", "checkpoint-4", "final"):
        save(tiny.model, recipe_for(run, hook=hook), name)
    for name in ("checkpoint-2", "checkpoint-4"):
        (run / name / "model.safetensors").write_bytes(b"no weights")
    assert evaluate("--watch", run, "--poll", 0.1, "--patience", 0.5) == 1
    out = capsys.readouterr().out
    failures = [line for line in out.splitlines() if not missing(line, run / "checkpoint-2", "failed")]
    assert len(failures) == 1
    says(failures[0], "UserError", "model.safetensors", "no whole safetensors file")
    says(out.splitlines()[-1], "1 evaluated", "2 failed", "0 removed")
    assert "Traceback" in failure_file(run / "checkpoint-2").read_text()
    # A restart tries once more: here with the weights mended.
    shutil.copy(tiny.own / "model.safetensors", run / "checkpoint-2")
    assert watch(run, **QUICK) == 1
    assert list(evaluated(run)) == ["checkpoint-2", "final"]
    assert not failure_file(run / "checkpoint-2").exists()
    assert failure_file(run / "checkpoint-4").exists()


def test_a_failure_that_cannot_be_noted_is_not_retried_either(asked, empty, run, capsys, monkeypatch):
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("out of memory")

    save(empty, recipe_for(run), "final")
    monkeypatch.setattr(watch_module, "evaluate_checkpoint", fail)
    monkeypatch.setattr(watch_module, "note_failure", lambda *arguments: None)
    assert watch(run, **QUICK) == 1
    assert capsys.readouterr().out.count("failed: RuntimeError: out of memory") == 1


def test_what_another_watcher_failed_at_is_left_alone(asked, empty, run, monkeypatch):
    save(empty, recipe_for(run), "checkpoint-2")
    save(empty, recipe_for(run), "checkpoint-4")
    answer = watch_module.evaluate_checkpoint

    def other_fails(folder: Path, *arguments: Any, **options: Any) -> Any:
        failure_file(run / "checkpoint-4").write_text("out of memory")
        return answer(folder, *arguments, **options)

    monkeypatch.setattr(watch_module, "evaluate_checkpoint", other_fails)
    assert watch(run, **QUICK) == 0
    assert asked == ["checkpoint-2"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_schedulers_signal_leave_nothing_behind(number, empty, run):
    save(empty, recipe_for(run), "checkpoint-2")
    code = (
        "import sys, time; from idf.training import watch as w; from idf.cli.evaluate import main\n"
        "def answer(*a, **o): print('begun', flush=True); time.sleep(100)\n"
        "w.evaluate_checkpoint = answer; main(['--watch', sys.argv[1]])"
    )
    process = start(code, run)
    assert process.stdout is not None
    while process.stdout.readline() != "begun\n":
        assert process.poll() is None, "it ended by itself"
    assert (run / "evaluations" / ".lock-checkpoint-2").exists()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "0 evaluated, 0 failed" in out
    assert err.endswith("idf-eval: interrupted\n")
    assert "Traceback" not in err
    assert list((run / "evaluations").iterdir()) == []


# --- bad input: one sentence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--suite", "s"], ("--suite", "not", "--watch", "recipe of each checkpoint")),
        (["--max-new-tokens", 5], ("--max-new-tokens", "not", "--watch")),
        (["a/checkpoint"], ("checkpoint does not", "--watch")),
        (["--poll", 0], ("--poll", "above zero", 0)),
        (["--patience", "nan"], ("--patience", "above zero", "nan")),
        (["--device", "abacus"], ("--device abacus", "no such device", "cpu, cuda, or cuda:N")),
        (["--device", "cuda:99"], ("no device", "cuda:99")),
    ],
)
def test_options_that_make_no_sense_are_refused(more, said, run, capsys):
    assert evaluate("--watch", run, *more) == 1
    says(one_sentence(capsys, "idf-eval"), *said)


def test_a_disk_that_is_full_is_named(empty, run, capsys, monkeypatch):
    def fail(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    save(empty, recipe_for(run), "final")
    monkeypatch.setattr(Path, "write_text", fail)
    assert evaluate("--watch", run) == 1
    says(one_sentence(capsys, "idf-eval"), run / "evaluations", "cannot be written", "No space left on device")
    assert list((run / "evaluations").iterdir()) == []


def test_options_of_watching_go_with_watching_only(capsys):
    assert evaluate("--baseline", "oracle", "--poll", 3) == 1
    says(one_sentence(capsys, "idf-eval"), "--poll", "--watch RUN", "only")


def test_a_checkpoint_or_a_file_is_no_run(tiny, tmp_path, capsys):
    assert evaluate("--watch", tiny.model) == 1
    says(one_sentence(capsys, "idf-eval"), tiny.model, "is a checkpoint", "--watch", tiny.model.parent)
    (tmp_path / "file").touch()
    assert evaluate("--watch", tmp_path / "file") == 1
    says(one_sentence(capsys, "idf-eval"), tmp_path / "file", "is a file", "--watch", "run")


def test_a_run_on_gpus_is_not_evaluated_on_the_cpu_unasked(asked, empty, run, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    save(empty, recipe_for(run, device="gpu"), "final")
    assert evaluate("--watch", run) == 1
    says(one_sentence(capsys, "idf-eval"), "no device cuda", "0 GPUs", "--device", "cpu")
    assert not failure_file(run / "final").exists()
    assert watch(run, device="cpu", **QUICK) == 0
    assert asked == ["final"]
