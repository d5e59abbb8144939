"""`idf transfer`: names, statistics, logs of lmms-eval, and a whole run of the stub set on two tiny models."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from types import SimpleNamespace
from typing import Any

import pytest

from idf.evaluation import PairTable, mcnemar, newcombe_paired, student95
from idf.integrations.transfer import SETS, Benchmark, LmmsTasks, choose, compare_scores
from idf.integrations.transfer._scores import sample_logs
from tests.cli.running import one_sentence, run
from tests.integrations.suites import needs
from tests.sentences import line_that_says, refused, says

ALL = choose([])


# --- names -------------------------------------------------------------------------------------------------------


def test_the_sets_are_those_of_the_issue_and_a_benchmark_of_two_sets_is_asked_once():
    names = {name: [one.name.split(" ")[0] for one in held] for name, held in SETS.items()}
    assert names["near"] == ["SpatialViz", "STARE", "MindCube", "ViewSpatial"]
    assert names["embodied"] == ["EmbSpatial", "ERQA", "RoboSpatial", "VSI-Bench"]
    assert names["general"] == ["MMStar", "RealWorldQA"]
    assert len({name for name in names["easi"]}) == 27, "EASI 0.2.2 lists 27 benchmarks"
    assert len(ALL) == len({one.name for one in ALL}) == len(choose(["easi", "general", "stub"]))
    with refused("--set", "'embodyed'", "embodied"):
        choose(["embodyed"])


@needs("lmms_eval")
def test_every_task_is_among_those_of_the_installed_lmms_eval_and_has_the_metric():
    files = LmmsTasks()
    registry = list(files.files)
    for one in ALL:
        if one.task is None:
            word = one.name.removesuffix("-Bench").removesuffix("-Puzzles").lower().replace("-", "")
            assert not [name for name in registry if name.replace("_", "").startswith(word)], one
            continue
        assert one.task in registry, one
        assert one.metric in files.metrics(one.task), one
        for part in one.parts:
            assert any(one.holds(name) for name in registry), part
    assert files.dataset("blink") == "BLINK-Benchmark/BLINK", "that of the first task of a group"
    assert files.dataset("idf_stub_choice") is None


@needs("lmms_eval")
@pytest.mark.full
def test_the_task_files_are_the_registry_of_lmms_eval():
    """In a module that takes 15 s to import."""
    from lmms_eval.tasks import TaskManager

    from idf.integrations import adapter_path

    registry = TaskManager(include_path=str(adapter_path("lmms-eval"))).all_tasks
    assert {one.task for one in ALL if one.task is not None} <= set(registry)


@needs("lmms_eval")
@pytest.mark.full
def test_the_code_of_the_tasks_logs_scores_where_they_are_looked_for():
    """The functions of lmms-eval on a document each, without data and network."""
    from lmms_eval.tasks.embspatial.utils import embspatial_process_results
    from lmms_eval.tasks.erqa.utils import erqa_process_results
    from lmms_eval.tasks.mindcube.utils import mindcube_process_results
    from lmms_eval.tasks.realworldqa.utils import realworldqa_process_results

    logged = {
        "mindcube_tiny": mindcube_process_results({"gt_answer": "B", "id": "among_1"}, ["B"]),
        "embspatial": embspatial_process_results({"answer": 1, "question_id": "1", "relation": "left"}, ["B"]),
        "erqa": erqa_process_results({"answer": "B", "question_id": "1", "question_type": "x"}, ["B"]),
        "realworldqa": realworldqa_process_results({"answer": "B"}, ["B"]),
    }
    for task, metrics in logged.items():
        (one,) = (one for one in ALL if one.task == task)
        assert _value(metrics[one.metric], one) == 1


def _value(told: Any, one: Benchmark) -> Any:
    return told if not isinstance(told, dict) else next(told[key] for key in one.keys if key in told)


# --- logs and statistics -----------------------------------------------------------------------------------------


def write_log(folder: Path, task: str, samples: Iterable[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"20260901_101010_samples_{task}.jsonl"
    lines = [json.dumps({"doc_id": i, "target": "B", "filtered_resps": ["B"]} | one) for i, one in enumerate(samples)]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def embspatial(right: str) -> list[dict[str, Any]]:
    return [{"embspatial_acc": {"id": str(i), "is_correct": flag == "1"}} for i, flag in enumerate(right)]


def vsi(scores: Iterable[tuple[str, str, float]]) -> list[dict[str, Any]]:
    """(scene, key of the score, score) as the documents that VSI-Bench logs."""
    return [{"vsibench_overall": {"scene_name": scene, "prediction": "4", key: score}} for scene, key, score in scores]


MRA = "MRA:.5:.95:.05"
BEFORE, AFTER = "1101000010", "1111001000"


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path]:
    base, checkpoint = tmp_path / "logs" / "base", tmp_path / "logs" / "after"
    write_log(base / "a__b", "embspatial", embspatial(BEFORE))
    write_log(checkpoint / "c__d", "embspatial", embspatial(AFTER))
    write_log(
        base / "a__b",
        "vsibench_multiimage",
        vsi([("s1", "accuracy", 0.0), ("s1", MRA, 0.2), ("s2", MRA, 0.5), ("s3", MRA, 0.1)]),
    )
    write_log(
        checkpoint / "c__d",
        "vsibench_multiimage",
        vsi([("s1", "accuracy", 1.0), ("s1", MRA, 0.4), ("s2", MRA, 0.5), ("s3", MRA, 0.0)]),
    )
    return base, checkpoint


def test_logs_that_a_user_has_become_the_paired_table(logs, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("transfer", *logs, "--results", "--out", out) == 0
    said = capsys.readouterr().out
    found = json.loads((out / "results.json").read_text())
    right, graded = found["benchmarks"]
    assert (right["benchmark"], right["n"], right["base"], right["checkpoint"]) == ("EmbSpatial", 10, 0.4, 0.5)
    assert (right["wins"], right["losses"], right["test"]) == (2, 1, "mcnemar")
    assert right["ci95"] == list(newcombe_paired(PairTable(3, 2, 1, 4)))
    assert right["p"] == mcnemar(2, 1)
    assert graded["n"] == 4
    assert graded["clusters"] == 3
    assert graded["difference"] == pytest.approx(1.1 / 4)
    totals = [1.2, 0.0, -0.1]
    half = student95(2) * stdev(totals) / sqrt(3)
    assert graded["ci95"] == pytest.approx(
        [max(-1, (fmean(totals) - half) * 3 / 4), min(1, (fmean(totals) + half) * 3 / 4)]
    )
    assert graded["p_holm"] == max(min(1, 2 * min(right["p"], graded["p"])), graded["p"])
    line_that_says(said, "EmbSpatial", 10, "40.0%", "50.0%", "+10.0", "mcnemar")
    line_that_says(said, "VSI-Bench", 4, "20.0%", "47.5%", "+27.5")
    page = (out / "transfer.md").read_text()
    assert line_that_says(page, "EmbSpatial", "50.0%").startswith("| EmbSpatial |")


def test_the_t_test_is_the_one_of_the_books():
    one = Benchmark("a", "a", "m")
    from idf.integrations.transfer._scores import Score

    # Student's sleep data (1908), ten patients, divided by ten: t = 4.0621, p = 0.002833
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    base, after = ({("a", i): Score(value / 10, f"a {i}", "") for i, value in enumerate(v)} for v in (first, second))
    found = compare_scores(one, base, after)
    assert found["test"] == "t"
    assert found["p"] == pytest.approx(0.002833, abs=1e-6)
    assert found["ci95"] == pytest.approx((0.07001142, 0.24598858), abs=1e-7)


def test_where_all_items_differ_by_the_same_no_interval_is_made_up():
    from idf.integrations.transfer._scores import Score

    one = Benchmark("a", "a", "m")
    base = {("a", i): Score(0.25, f"a {i}", "") for i in range(4)}
    after = {key: Score(0.5, score.cluster, "") for key, score in base.items()}
    assert (compare_scores(one, base, base)["ci95"], compare_scores(one, base, base)["p"]) == (None, 1.0)
    assert (compare_scores(one, base, after)["ci95"], compare_scores(one, base, after)["p"]) == (None, 2 / 2**4)


def test_what_only_one_log_has_is_counted_and_what_was_not_run_is_named(logs, tmp_path, capsys):
    base, after = logs
    write_log(after / "c__d", "embspatial", embspatial(AFTER + "11"))
    write_log(base, "mmstar", [{"average": {"score": 1.0}}])
    write_log(base, "gqa", [{"exact_match": 1.0}])
    assert run("transfer", base, after, "--results", "--set", "embodied,general") == 0
    said = capsys.readouterr().out
    line_that_says(said, "EmbSpatial", "left out", "0 items of base", "2 of checkpoint")
    line_that_says(said, "MMStar", "only", base, "has logs")
    line_that_says(said, "ERQA", "neither")
    line_that_says(said, "gqa", "no set", "docs/transfer.md")


def test_a_wrong_log_is_one_sentence(logs, tmp_path, capsys):
    base, _ = logs
    with refused("no folder", tmp_path / "none"):
        sample_logs(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with refused("no sample logs", "--log_samples"):
        sample_logs(tmp_path / "empty")
    path = write_log(tmp_path / "other", "embspatial", [{"acc": 1}])
    with refused(path, "is a file", "folder"):
        sample_logs(path)
    write_log(tmp_path / "other" / "again", "embspatial", embspatial("1"))
    with refused("both of the task embspatial", "one run"):
        sample_logs(tmp_path / "other")
    write_log(tmp_path / "fourth", "mmstar", [{"average": {"score": 1.0}}])
    assert run("transfer", base, tmp_path / "fourth", "--results") == 1
    says(one_sentence(capsys, "idf"), "in common", "found", "EmbSpatial", "MMStar")
    assert run("transfer", base, base, "--results") == 1
    says(one_sentence(capsys, "idf"), "same folder", base)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([{"acc": 1}], ("line 1", "embspatial_acc", "EmbSpatial")),
        ([{"embspatial_acc": {"is_correct": -1.0}}], ("line 1", "embspatial 0", "0 to 1", "-1.0", "could not judge")),
        ([{"target": "C"} | one for one in embspatial(AFTER)], ("item 0 of embspatial", "right answer", "differ")),
        ([{"doc_id": 77} | one for one in embspatial("1")], ("no item of embspatial in common",)),
        ([{"doc_id": 1} | one for one in embspatial("11")], ("line 2", "item 1 of embspatial", "stands twice")),
    ],
    ids=["no metric", "no verdict", "another answer", "other items", "twice"],
)
def test_what_is_wrong_with_one_benchmark_costs_no_other(logs, tmp_path, capsys, samples, said):
    base, after = logs
    write_log(after / "c__d", "embspatial", samples)
    assert run("transfer", base, after, "--results", "--out", tmp_path / "out") == 0
    out = capsys.readouterr().out
    line_that_says(out, "VSI-Bench", 4, "20.0%")
    line_that_says(out, "EmbSpatial", *said)
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert [row["benchmark"] for row in found["benchmarks"]] == ["VSI-Bench"]
    assert set(found["not_run"]) == {"EmbSpatial"}
    assert run("transfer", base, after, "--results", "--set", "embodied") == 0
    for folder in (base, after):
        next(folder.rglob("*vsibench*")).unlink()
    capsys.readouterr()
    assert run("transfer", base, after, "--results") == 1
    told = capsys.readouterr()
    line_that_says(told.out, "EmbSpatial", *said)
    assert told.err == "idf: error: nothing was compared: the table says why\n"


def test_a_table_of_logs_is_not_written_over_another_comparison(logs, tmp_path, capsys):
    base, after = logs
    out = tmp_path / "out"
    assert run("transfer", base, after, "--results", "--out", out) == 0
    assert run("transfer", base, after, "--results", "--out", out) == 0, "the same one may be written again"
    before = (out / "results.json").read_bytes()
    capsys.readouterr()
    assert run("transfer", after, base, "--results", "--out", out) == 1
    says(one_sentence(capsys, "idf"), out, after, "another --out")
    assert (out / "results.json").read_bytes() == before
    (out / "transfer.json").write_text("{}")
    assert run("transfer", base, after, "--results", "--out", out) == 1
    says(one_sentence(capsys, "idf"), out, "models that were asked", "another --out")


def test_why_a_log_is_not_compared_is_true(logs, capsys):
    base, after = logs
    for folder in logs:
        write_log(folder, "vsibench", vsi([("s1", "accuracy", 1.0)]))
        write_log(folder, "mmstar", [{"average": {"score": 1.0}}])
    assert run("transfer", base, after, "--results", "--set", "embodied") == 0
    said = capsys.readouterr().out
    line_that_says(said, "mmstar", "MMStar", "of the set general", "not chosen")
    line_that_says(said, "vsibench ", "no set", "VSI-Bench", "vsibench_multiimage")
    line_that_says(said, "ERQA", "neither", "task erqa")


def test_the_page_names_every_task():
    page = (Path(__file__).parents[2] / "docs" / "transfer.md").read_text()
    for one in ALL:
        line_that_says(page, f"| {one.name} |", f"`{one.task}`" if one.task else "none")


def test_options_that_do_not_go_together_are_refused(capsys, tmp_path):
    for arguments, words in (
        (("--results", "--limit", 3), ("--limit", "--results")),
        (("--out", tmp_path / "o"), ("--set is missing", "near", "stub")),
        (("--set", "near"), ("--out is missing",)),
        (("--set", "near", "--out", tmp_path / "o", "--limit", 0), ("--limit", "at least 1")),
    ):
        assert run("transfer", "a", "b", *arguments) == 1
        says(one_sentence(capsys, "idf"), *words)


# --- the whole way -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    from idf.training.tiny import make_tiny_model
    from tests.backends.server import request

    root = tmp_path_factory.mktemp("transfer")
    texts = [request(f"Answer {letter} {i} of the squares: {letter}") for letter in "AB" for i in range(9)]
    for name, seed in (("base", 0), ("checkpoint", 1)):
        make_tiny_model([SimpleNamespace(samples=lambda: texts)], root / name, vocabulary=300, seed=seed)  # type: ignore[list-item]
    return root / "base", root / "checkpoint"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


@needs("lmms_eval")
def test_without_a_network_it_says_what_to_fetch(models, offline, capsys, tmp_path):
    assert run("transfer", *models, "--set", "near,easi", "--out", tmp_path / "out") == 1
    said = capsys.readouterr().out
    line_that_says(said, "STARE", "hub cannot be reached", "hf download --repo-type dataset pangyyyyy/STARE")
    line_that_says(said, "STI-Bench", "no task for it")
    assert run("transfer", "owner/name", models[1], "--set", "near", "--out", tmp_path / "out") == 1
    says(one_sentence(capsys, "idf"), "hf download owner/name")
    again = shutil.copytree(models[0], tmp_path / "again")
    assert run("transfer", models[0], again, "--set", "near", "--out", tmp_path / "out") == 1
    says(one_sentence(capsys, "idf"), "are one model")


@needs("lmms_eval")
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_stub_set_runs_whole_on_two_models_and_resumes(models, offline, capsys, tmp_path, monkeypatch):
    out = tmp_path / "out"
    command = ("transfer", *models, "--set", "stub", "--limit", 9, "--out", out)
    assert run(*command) == 0, (out / "base" / "log.txt").read_text()
    said = capsys.readouterr().out
    found = json.loads((out / "results.json").read_text())
    assert found["not_run"] == {}
    choices, numbers = found["benchmarks"]
    assert (choices["n"], numbers["n"], found["limit"]) == (9, 9, 9)
    for row, task, metric in ((choices, "idf_stub_choice", "accuracy"), (numbers, "idf_stub_number", "mra")):
        for side in ("base", "checkpoint"):
            lines = (out / side / task / f"samples_{task}.jsonl").read_text().splitlines()
            samples = [json.loads(line) for line in lines]
            assert row[side] == pytest.approx(fmean(sample[metric]["score"] for sample in samples))
            told = json.loads((out / side / task / "results.json").read_text())
            assert row[side] == pytest.approx(told["results"][task][f"{metric},none"]), "as lmms-eval itself counts"
            assert all(sample["token_counts"][0]["input_tokens"] > 8 for sample in samples), "the picture is in"
    line_that_says(said, "only the first 9 items")

    # all is there: nothing is asked again
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert run(*command) == 0
    assert json.loads((out / "results.json").read_text()) == found

    # killed before the last pair was done: that pair alone is asked
    finished = tmp_path / "finished"
    shutil.move(out / "checkpoint" / "idf_stub_number", finished)
    asked = []

    class Process:
        def __init__(self, command: list[str], **_: object) -> None:
            asked.append(json.loads(Path(command[-1]).read_text()))

        def wait(self) -> int:
            shutil.copytree(finished, out / "checkpoint" / "idf_stub_number", dirs_exist_ok=True)
            return 0

        def terminate(self) -> None:
            assert (out / "checkpoint" / "idf_stub_number").is_dir()

    monkeypatch.setattr(subprocess, "Popen", Process)
    assert run(*command) == 0
    assert [(Path(plan["out"]).name, plan["tasks"]) for plan in asked] == [("checkpoint", ["idf_stub_number"])]
    assert json.loads((out / "results.json").read_text()) == found

    # another question to the same folder is refused
    capsys.readouterr()
    assert run(*command[:-4], "--limit", 3, "--out", out) == 1
    says(one_sentence(capsys, "idf"), out, "limit", "--out")
