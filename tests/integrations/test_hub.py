"""The layout for the Hub: what `datasets` and the Hub's readers find in it."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest
import yaml

from idf.drawing import draw
from idf.integrations import write_hub_layout
from idf.integrations._documents import judge
from idf.suites import prompt_text, read_suite
from idf.worlds import WORLDS, problem_from_json
from tests.cli.running import one_sentence, run
from tests.integrations.suites import needs, small_suite
from tests.sentences import line_that_says, refused, says

ONE_WORD = ["cube_rolling", "rubiks_cube"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hub") / "layout"
    assert write_hub_layout(small_suite(), out) == dict.fromkeys(WORLDS, 4)
    return out


def load(layout: Path, world: str | None, cache: Path) -> datasets.Dataset:
    return datasets.load_dataset(str(layout), world, cache_dir=str(cache), split="test")


@pytest.mark.parametrize("world", WORLDS)
def test_each_world_loads_with_plain_datasets_and_holds_its_items(layout, tmp_path, world):
    rows = load(layout, world, tmp_path)
    items = [item for item in read_suite(small_suite()) if item.problem.world == world]
    assert list(rows["id"]) == [item.id for item in items]
    for row, item in zip(rows, items, strict=True):
        assert problem_from_json(json.loads(row["state"])) == item.problem
        assert row["question_vqa"] == prompt_text(item.problem, "vqa", row["prompts"])
        assert row["question_tqa"] == prompt_text(item.problem, "tqa", row["prompts"])
        assert judge(row["state"], f"Answer: {row['answer']}").correct
        assert row["image"].size == draw(item.problem, 50_176).shape[1::-1]
        assert ("image_uri" in row) == (world in ONE_WORD)


def test_the_first_world_is_the_default_and_the_card_counts_all(layout, tmp_path):
    assert set(load(layout, None, tmp_path)["world"]) == {next(iter(WORLDS))}
    _, header, text = (layout / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(header)
    assert [config["config_name"] for config in card["configs"]] == list(WORLDS)
    assert card["license"] == "apache-2.0"
    assert "20 items" in text


def test_eval_yaml_names_the_worlds_whose_answer_is_one_word_and_columns_that_are_there(layout, tmp_path):
    evaluation = yaml.safe_load((layout / "eval.yaml").read_text())
    assert [task["id"] for task in evaluation["tasks"]] == [
        f"{world}_{mode}" for world in ONE_WORD for mode in ("vqa", "tqa")
    ]
    for task in evaluation["tasks"]:
        (row, *_) = load(layout, task["config"], tmp_path)
        assert set(task["field_spec"].values()) <= set(row)
    assert row["image_uri"].startswith("data:image/png;base64,")


def test_a_published_suite_and_a_folder_in_use_are_refused(tmp_path):
    with refused("SpatiaLite", "without a licence", "`idf suite`"):
        write_hub_layout(Path("spatialite:anywhere"), tmp_path / "out")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with refused(tmp_path / "used", "not empty", "another folder"):
        write_hub_layout(small_suite(), tmp_path / "used")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_it_and_names_a_wrong_prompt_set(capsys, tmp_path):
    assert run("hub-layout", small_suite(), "--out", tmp_path / "hub", "--prompts", "idf-short-1") == 0
    line_that_says(capsys.readouterr().out, "20 items", "5 worlds", tmp_path / "hub")
    assert run("hub-layout", small_suite(), "--out", tmp_path / "other", "--prompts", "official-2025") == 1
    says(one_sentence(capsys, "idf"), "--prompts", "unknown", "'official-2025'")
    assert run("hub-layout", tmp_path / "nowhere", "--out", tmp_path / "other") == 1
    says(one_sentence(capsys, "idf"), "no suite", tmp_path / "nowhere")


@needs("inspect_ai")
@pytest.mark.slow
def test_inspect_ai_builds_its_tasks_from_eval_yaml_and_scores_them(layout, tmp_path, monkeypatch):
    import huggingface_hub
    from inspect_ai import eval as run_inspect
    from inspect_ai._eval.task.hf import task_create_from_hf
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    (tmp_path / "us").mkdir()
    (tmp_path / "us" / "spatial").symlink_to(layout)  # `datasets` takes a folder of this name before it asks the Hub
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda **_: str(layout / "eval.yaml"))
    for world in ONE_WORD:
        answers = load(layout, world, tmp_path / "cache")["answer"]
        outputs = [
            ModelOutput.from_content("mockllm", f"Answer: <colour> is asked.\nAnswer: {'mauve' if i == 0 else answer}")
            for i, answer in enumerate(answers)
        ]
        for output in outputs:
            output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        (log,) = run_inspect(
            task_create_from_hf(f"hf/us/spatial/{world}_vqa"),
            model=get_model("mockllm/model", custom_outputs=outputs),
            log_dir=str(tmp_path / "logs"),
            display="none",
            max_samples=1,
        )
        assert log.status == "success", log.error
        assert log.results.scores[0].metrics["accuracy"].value == 0.75
