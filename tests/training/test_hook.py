"""The evaluation hook: what it writes, and that nothing it meets stops training."""

from __future__ import annotations

import io
import json
import os
import socket
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from idf.backends import HFBackend
from idf.training import hook as hook_module
from idf.training.hook import EvaluationHook, best, evaluated
from tests.sentences import line_that_says, refused, says

from .checkpoints import HOOK, recipe_for, results, samples, save, score

# --- one rank ----------------------------------------------------------------------------------------------------


def test_results_stand_beside_the_checkpoints_and_outlive_them(tiny, tmp_path, capsys):
    recipe = recipe_for(tmp_path)
    macro = EvaluationHook(recipe).run(save(tiny.model, recipe, "checkpoint-2"))
    assert macro is not None
    assert set(macro) == {"vtqa", "tqa"}
    assert evaluated(tmp_path) == {"checkpoint-2": macro}
    folder = tmp_path / "evaluations" / "checkpoint-2"
    assert {path.name for path in folder.iterdir()} == {"samples.jsonl", "results.json", "report.html"}
    rows = [json.loads(line) for line in samples(tmp_path, "checkpoint-2")]
    ids = [f"{world}:easy:{i}" for world in HOOK.worlds for i in range(3)]
    assert [(row["mode"], row["id"]) for row in rows] == [(mode, i) for mode in ("vtqa", "tqa") for i in ids]
    assert not (tmp_path / "checkpoint-2" / "evaluation").exists()
    line_that_says(capsys.readouterr().out, "mean", "worlds", "vtqa")


def test_a_second_evaluation_takes_the_place_of_the_first_and_of_an_old_failure(tiny, tmp_path):
    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    score(tmp_path, "checkpoint-2", vtqa=7.0)
    (tmp_path / "evaluations" / "checkpoint-2.error.txt").write_text("an old failure")
    assert EvaluationHook(recipe).run(folder) == evaluated(tmp_path)["checkpoint-2"]
    assert [path.name for path in (tmp_path / "evaluations").iterdir()] == ["checkpoint-2"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB"), "OutOfMemoryError: CUDA out of"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_failure_is_one_line_and_a_traceback_in_a_file(error, said, tiny, tmp_path, capsys, monkeypatch):
    def fail(*arguments: Any) -> None:
        raise error

    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    monkeypatch.setattr(HFBackend, "_batch", fail)
    assert EvaluationHook(recipe).run(folder) is None
    out = capsys.readouterr().out
    says(out, "evaluation", folder, "failed", "rank 0", said)
    assert out.count("\n") == 1
    assert "Traceback" in (tmp_path / "evaluations" / "checkpoint-2.error.txt").read_text()
    assert evaluated(tmp_path) == {}


def test_a_checkpoint_that_cannot_be_loaded_and_one_that_is_gone_do_not_stop_training(tiny, tmp_path, capsys):
    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    (folder / "model.safetensors").write_bytes(b"no weights")
    hook = EvaluationHook(recipe)
    assert hook.run(folder) is None
    assert hook.run(tmp_path / "checkpoint-4") is None
    first, second = capsys.readouterr().out.splitlines()
    says(first, folder, "failed", "rank 0", "UserError", "model.safetensors", "no whole safetensors file")
    says(second, tmp_path / "checkpoint-4", "failed", "rank 0", "UserError: no checkpoint")


def test_a_disk_that_takes_no_results_does_not_stop_training(tiny, tmp_path, capsys):
    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    (tmp_path / "evaluations").write_text("a file where the folder should be")
    assert EvaluationHook(recipe).run(folder) is None
    out = capsys.readouterr().out
    line_that_says(out, "evaluation", folder, "failed", "rank 0")
    line_that_says(out, "checkpoint-2.error.txt", "not be written")


def test_half_written_results_are_never_in_their_place(tiny, tmp_path, monkeypatch):
    def fail(rows: Any, results: Any, out: Path, items: Any) -> None:
        assert (out / "results.json").exists()
        assert not (tmp_path / "evaluations" / "checkpoint-2").exists()
        raise OSError("disk full")

    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    monkeypatch.setattr("idf.training.evaluations.write_report", fail)
    assert EvaluationHook(recipe).run(folder) is None
    assert [path.name for path in (tmp_path / "evaluations").iterdir()] == ["checkpoint-2.error.txt"]
    assert "disk full" in (tmp_path / "evaluations" / "checkpoint-2.error.txt").read_text()


def test_a_signal_between_batches_drops_the_evaluation(tiny, tmp_path, capsys):
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    assert EvaluationHook(recipe).run(folder, stop) is None
    assert len(asked) == 3  # before loading, before the first batch, before the second
    (line,) = capsys.readouterr().out.splitlines()
    says(line, "evaluation", folder, "dropped", "asked to stop")
    assert not (tmp_path / "evaluations").exists()


def test_training_draws_the_same_random_numbers_after_an_evaluation(tiny, tmp_path, monkeypatch):
    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    answer = HFBackend._batch

    def draw_and_answer(*arguments: Any) -> Any:
        torch.rand(3)
        return answer(*arguments)

    monkeypatch.setattr(HFBackend, "_batch", draw_and_answer)
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    assert EvaluationHook(recipe).run(folder) is not None
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("fails", [False, True])
def test_under_zero_3_the_evaluated_model_is_whole_and_sharding_comes_back(fails, tiny, tmp_path, monkeypatch):
    from transformers.integrations import HfDeepSpeedConfig, is_deepspeed_zero3_enabled

    seen: list[bool] = []

    class Backend(HFBackend):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            seen.append(is_deepspeed_zero3_enabled())
            if fails:
                raise RuntimeError("no")
            super().__init__(*arguments, **options)

    monkeypatch.setattr(hook_module, "HFBackend", Backend)
    sharding = HfDeepSpeedConfig({"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": 1})
    recipe = recipe_for(tmp_path)
    folder = save(tiny.model, recipe, "checkpoint-2")
    assert (EvaluationHook(recipe).run(folder) is None) == fails
    assert seen == [False]
    assert is_deepspeed_zero3_enabled()
    del sharding


# --- two ranks ---------------------------------------------------------------------------------------------------


def _rank(rank: int, port: int, folders: dict[str, Path]) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    answer = HFBackend._batch
    for what, folder in folders.items():
        batches: list[list[str]] = []

        def keep(self: HFBackend, requests: list[Any], what=what, batches=batches) -> Any:
            batches.append([self.render(request) for request in requests])
            if what == "fails" and rank == 1 and len(batches) == 2:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return answer(self, requests)

        HFBackend._batch = keep  # type: ignore[method-assign]
        said = io.StringIO()
        with redirect_stdout(said):
            macro = EvaluationHook(recipe_for(folder.parent)).run(
                folder, lambda what=what, batches=batches: what == "stops" and rank == 1 and bool(batches)
            )
        dist.barrier()  # training goes on together
        told = {"macro": macro, "batches": batches, "said": said.getvalue()}
        (folder.parent / f"told-{rank}.json").write_text(json.dumps(told))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_ranks(tiny, tmp_path_factory) -> dict[str, tuple[Path, list[dict[str, Any]]]]:
    """For an evaluation that goes well, one that fails on rank 1 and one that rank 1 stops: folder, what each rank saw."""
    root = tmp_path_factory.mktemp("ranks")
    folders = {}
    for what in ("well", "fails", "stops"):
        (root / what).mkdir()
        folders[what] = save(tiny.model, recipe_for(root / what), "checkpoint-2")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.spawn(_rank, (port, folders), nprocs=2, join=False)
    end = time.monotonic() + 200
    while not context.join(timeout=5):
        if time.monotonic() > end:
            for process in context.processes:
                process.kill()
            pytest.fail("a rank waits forever")
    return {
        what: (folder, [json.loads((folder.parent / f"told-{rank}.json").read_text()) for rank in range(2)])
        for what, folder in folders.items()
    }


def test_any_number_of_ranks_asks_the_same_batches_and_gets_the_same_results(two_ranks, monkeypatch):
    folder, told = two_ranks["well"]
    run = folder.parent
    rows, cells = samples(run, folder.name), results(run, folder.name)
    alone: list[list[str]] = []
    answer = HFBackend._batch

    def keep(self: HFBackend, requests: list[Any]) -> Any:
        alone.append([self.render(request) for request in requests])
        return answer(self, requests)

    monkeypatch.setattr(HFBackend, "_batch", keep)
    macro = EvaluationHook(recipe_for(run)).run(folder)
    assert [rank["macro"] for rank in told] == [macro, macro]
    assert [len(rank["batches"]) for rank in told] == [2, 2]
    assert sorted(told[0]["batches"] + told[1]["batches"]) == sorted(alone)
    assert samples(run, folder.name) == rows
    assert results(run, folder.name) == cells
    line_that_says(told[0]["said"], "mean", "worlds")
    assert told[1]["said"] == ""


def test_a_failure_on_one_rank_only_is_agreed_on_and_nobody_waits(two_ranks):
    folder, told = two_ranks["fails"]
    assert [rank["macro"] for rank in told] == [None, None]
    assert [len(rank["batches"]) for rank in told] == [2, 2]
    (line,) = told[0]["said"].splitlines()
    says(line, "evaluation", folder, "failed", "rank 1", "OutOfMemoryError: CUDA out of memory")
    assert told[1]["said"] == ""
    assert evaluated(folder.parent) == {}
    noted = (folder.parent / "evaluations" / "checkpoint-2.error.txt").read_text()
    assert noted.startswith("rank 1\nTraceback")


def test_a_signal_on_one_rank_only_drops_the_evaluation_on_all(two_ranks):
    folder, told = two_ranks["stops"]
    assert [rank["macro"] for rank in told] == [None, None]
    assert [len(rank["batches"]) for rank in told] == [2, 1]
    (line,) = told[0]["said"].splitlines()
    says(line, "evaluation", folder, "dropped", "asked to stop")
    assert told[1]["said"] == ""
    assert not (folder.parent / "evaluations").exists()


# --- the best checkpoint -----------------------------------------------------------------------------------------


def test_the_best_checkpoint_has_the_highest_mean_over_modes(tmp_path):
    score(tmp_path, "checkpoint-2", vtqa=0.9, tqa=0.1)
    score(tmp_path, "checkpoint-4", vtqa=0.6, tqa=0.5)
    score(tmp_path, "checkpoint-6", vtqa=0.5, tqa=0.5)
    assert best(tmp_path) == "checkpoint-4"


def test_of_equal_checkpoints_the_later_one_is_best_by_number_not_by_name(tmp_path):
    for name in ("checkpoint-2", "checkpoint-100", "checkpoint-20"):
        score(tmp_path, name, vtqa=0.5)
    assert best(tmp_path) == "checkpoint-100"
    assert list(evaluated(tmp_path)) == ["checkpoint-2", "checkpoint-20", "checkpoint-100"]
    score(tmp_path, "final", vtqa=0.5)
    assert best(tmp_path) == "final"


def test_a_run_without_results_has_no_best_checkpoint(tmp_path):
    assert best(tmp_path) is None
    score(tmp_path, ".writing-checkpoint-2-0a", vtqa=1.0)
    (tmp_path / "evaluations" / "checkpoint-4").mkdir()
    assert best(tmp_path) is None


def test_results_that_somebody_broke_are_named(tmp_path):
    score(tmp_path, "checkpoint-2", vtqa=0.5)
    (tmp_path / "evaluations" / "checkpoint-2" / "results.json").write_text("{")
    with refused(tmp_path / "evaluations/checkpoint-2/results.json", "no results", "evaluate again"):
        best(tmp_path)
