"""The tasks of lmms-eval: their functions, and the program itself with its own mock model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from idf.integrations import adapter_path
from idf.scoring import score
from idf.suites import MODES, item_prompt, read_suite
from idf.worlds import WORLDS
from tests.cli.running import evaluate, one_sentence, run
from tests.integrations.suites import needs, small_suite
from tests.sentences import refused, says

TASKS = adapter_path("lmms-eval") / "spatialite"


@pytest.fixture
def utils(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("IDF_SUITE", str(small_suite()))
    spec = spec_from_file_location("utils", TASKS / "utils.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_folder_of_the_tasks_is_printed(capsys):
    assert run("paths", "lmms-eval") == 0
    assert Path(capsys.readouterr().out.strip(), "spatialite", "idf_spatialite.yaml").is_file()
    assert run("paths", "easi") == 1
    says(one_sentence(capsys, "idf"), "paths", "unknown", "'easi'", "lmms-eval")


def test_there_is_a_task_for_each_world_and_mode_in_a_group_of_its_mode():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    read = {path.name: yaml.load(path.read_text(), Loader) for path in TASKS.glob("*yaml")}
    for mode in MODES:
        names = [f"idf_spatialite_{world}_{mode}" for world in WORLDS]
        assert sorted(read[f"idf_spatialite_{mode}.yaml"]["task"]) == sorted(names)
        for world, name in zip(WORLDS, names, strict=True):
            assert read[f"{name}.yaml"] == {
                "include": "_default_template_yaml",
                "task": name,
                "process_docs": f"utils.{world}_{mode}",
            }
    assert read["idf_spatialite.yaml"]["task"] == [f"idf_spatialite_{mode}" for mode in MODES]
    assert len(read) == len(WORLDS) * len(MODES) + len(MODES) + 2
    template = read["_default_template_yaml"]
    assert template["generation_kwargs"] == {"max_new_tokens": 4096, "until": [], "temperature": 0, "do_sample": False}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", WORLDS)
def test_a_task_asks_the_items_of_its_world_in_its_mode(utils, world, mode):
    docs = getattr(utils, f"{world}_{mode}")(None)
    items = [item for item in read_suite(small_suite()) if item.problem.world == world]
    assert list(docs["id"]) == [item.id for item in items]
    for doc, item in zip(docs, items, strict=True):
        assert utils.doc_to_text(doc) == item_prompt(item, mode, "idf-long-1")
        pictures = utils.doc_to_visual(doc)
        assert len(pictures) == (mode != "tqa")
        (message,) = utils.doc_to_messages(doc)
        assert [part["type"] for part in message["content"]] == ["image"] * len(pictures) + ["text"]
        results = utils.process_results(doc, [doc["target"]])
        assert results["accuracy"]["score"] == results[item.problem.difficulty]["score"] == 1.0
        assert (results["accuracy"]["id"], results["accuracy"]["mode"]) == (item.id, mode)
        assert results["unparsed"]["score"] == 0.0


def test_an_answer_that_cannot_be_read_is_wrong_and_counted(utils):
    docs = utils.cube_rolling_tqa(None)
    rows = [utils.process_results(doc, ["It rolls." if i else doc["target"]]) for i, doc in enumerate(docs)]
    assert utils.mean([row["accuracy"] for row in rows]) == 1 / 4
    assert utils.mean([row["easy"] for row in rows]) == 1 / 2
    assert utils.mean([row["medium"] for row in rows]) == 0
    assert utils.mean([row["hard"] for row in rows]) is None
    assert utils.mean([row["unparsed"] for row in rows]) == 3 / 4


def test_the_prompt_set_comes_from_the_environment_and_a_missing_suite_is_a_sentence(utils, monkeypatch):
    monkeypatch.setenv("IDF_PROMPTS", "idf-short-1")
    assert utils.moving_box_tqa(None)[0]["question"].startswith("Grid:")
    monkeypatch.delenv("IDF_SUITE")
    with refused("IDF_SUITE", "not set", "`idf suite --out DIR`"):
        utils.moving_box_tqa(None)


# --- the program -------------------------------------------------------------------------------------------------


def lmms_eval(out: Path, response: str) -> subprocess.CompletedProcess[str]:
    """All our tasks, answered by the mock model of lmms-eval, which says one thing."""
    command = [sys.executable, "-m", "lmms_eval", "--include_path", str(adapter_path("lmms-eval"))]
    command += ["--tasks", "idf_spatialite", "--model", "dummy", "--model_args", f"response={response}"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "IDF_SUITE": str(small_suite()),
        "HF_HOME": str(out / "home"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
    }
    return subprocess.run(
        [*command, "--output_path", str(out / "logs"), "--log_samples"],
        env=environment,
        cwd=out,
        capture_output=True,
        text=True,
    )


@needs("lmms_eval")
@pytest.mark.slow
def test_lmms_eval_runs_all_our_tasks_and_gets_our_numbers(capsys, tmp_path):
    items = read_suite(small_suite())
    (first, *_) = (item.problem for item in items if item.problem.world == "cube_rolling")
    response = f"Answer: {WORLDS['cube_rolling'].truth(first)}"
    ran = lmms_eval(tmp_path, response)
    (path,) = (tmp_path / "logs").glob("**/*_results.json") if (tmp_path / "logs").exists() else (None,)
    assert path, ran.stdout + ran.stderr
    results = json.loads(path.read_text())
    verdicts = {item.id: score(item.problem, response) for item in items}
    for world in WORLDS:
        mine = [item for item in items if item.problem.world == world]
        easy = [item for item in mine if item.problem.difficulty == "easy"]
        for mode in MODES:
            found = results["results"][f"idf_spatialite_{world}_{mode}"]
            assert found["accuracy,none"] == sum(verdicts[item.id].correct for item in mine) / len(mine)
            assert found["easy,none"] == sum(verdicts[item.id].correct for item in easy) / len(easy)
            assert found["hard,none"] is None
            assert found["unparsed,none"] == sum(verdicts[item.id].error == "unparsed" for item in mine) / len(mine)
    macro = sum(verdict.correct for verdict in verdicts.values()) / len(verdicts)
    for mode in MODES:
        assert results["groups"][f"idf_spatialite_{mode}"]["accuracy,none"] == pytest.approx(macro)
    assert macro > 0

    # and back
    responses = tmp_path / "responses.jsonl"
    assert run("import-lmms", *sorted((tmp_path / "logs").glob("**/*_samples_*.jsonl")), "--out", responses) == 0
    arguments = (
        "--responses",
        responses,
        "--suite",
        small_suite(),
        "--modes",
        "vqa,tqa,vtqa",
        "--out",
        tmp_path / "run",
    )
    assert evaluate(*arguments) == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert len(rows) == len(items) * len(MODES)
    assert all(row["response"] == response and row["correct"] == verdicts[row["id"]].correct for row in rows)
