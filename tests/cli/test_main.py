"""`idf`: exit status, messages, and what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import idf
from idf.cli.main import _parser
from idf.cli.overview import GROUPS
from idf.data import open_dataset
from idf.suites import read_suite
from tests.cli.running import one_sentence, run
from tests.data.samples import files_of
from tests.drawing.originals import FOLDER, needs_originals
from tests.sentences import line_that_says, says
from tests.suites.published import box, rows, write_clone

ROLLS = ("worlds={cube_rolling: 1}", "difficulties={easy: 1}", "max_pixels=3136")
COMMANDS = (
    "imagery",
    "traces",
    "filter",
    "mix",
    "suite",
    "prompts",
    "verify",
    "doctor",
    "plan",
    "loop",
    "reproduce",
    "gallery",
    "stats",
    "table",
    "tiny",
    "merge",
    "compare",
    "leaderboard",
    "hub-layout",
    "paths",
    "import-lmms",
)


# --- what is imported --------------------------------------------------------------------------------------------


def imported(code: str) -> set[str]:
    """Top-level names of the modules that are loaded after some code has run in a fresh process."""
    code = f"import sys\n{code}\nprint('\\nMODULES', *sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {name.partition(".")[0] for name in output.rpartition("MODULES ")[2].split()}


HEAVY = {"torch", "transformers", "datasets", "deepspeed", "wandb"}


def test_importing_idf_its_worlds_and_its_scoring_loads_nothing_heavy():
    loaded = imported("import idf, idf.worlds, idf.scoring")
    assert not loaded & (HEAVY | {"pyarrow"})
    assert "idf" in loaded


def test_help_loads_nothing_heavy():
    loaded = imported("from idf.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert not loaded & HEAVY


# --- help and usage ----------------------------------------------------------------------------------------------


def test_help_names_every_command(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    # A long name stands on a line of its own.
    named = {line.split()[0] for line in text.splitlines() if line.startswith("    ") and line[4] != " "}
    assert set(COMMANDS) <= named


def test_help_shows_each_command_once_in_a_group_with_an_example_that_parses(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert run("--help") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "more:" not in lines, "a command without a group: give it one in idf/cli/overview.py"
    assert [line.split()[0] for line in lines if line.startswith("    ") and line[4] != " "] == [
        name for group in GROUPS.values() for name in group
    ]
    for line in lines:
        assert len(line) <= 100 or "$ " in line
    examples = [line.split("$ ", 1)[1] for line in lines if line.startswith(" " * 22 + "$ ")]
    assert len(examples) == sum(map(len, GROUPS.values()))
    for name, example in ((name, example) for group in GROUPS.values() for name, example in group.items()):
        assert example in examples
        if example.startswith("idf "):
            assert example.split()[1] == name
            assert _parser().parse_known_args(example.split()[1:])[1] == []


def test_help_names_training(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    for stage in (1, 2, 3):
        assert f"torchrun --nproc_per_node 8 launch/stage{stage}.py" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys, command):
    assert run(command, "--help") == 0
    assert capsys.readouterr().out.startswith(f"usage: idf {command}")


def test_the_version_is_told(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"idf {idf.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [(), ("dance",), ("imagery",), ("imagery", "--out", "x", "--samples", "many"), ("verify",)]
)
def test_wrong_usage_ends_with_status_2(capsys, arguments):
    assert run(*arguments) == 2
    assert re.fullmatch(r"idf( \w+)?: error: .+ \(see idf( \w+)? --help\)\n", capsys.readouterr().err)


def test_an_interruption_ends_with_status_130_and_without_a_traceback(capsys, monkeypatch):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("idf.suites.verify_published", interrupted)
    assert run("verify", "anywhere") == 130
    assert capsys.readouterr().err == "idf: interrupted\n"


# --- data --------------------------------------------------------------------------------------------------------


def test_imagery_writes_as_many_samples_as_it_says(capsys, tmp_path):
    out = tmp_path / "d"
    assert run("imagery", "--out", out, "--samples", 6, "--seed", 3, *ROLLS) == 0
    line_that_says(capsys.readouterr().out, "6 imagery samples", out)
    dataset = open_dataset(out, made_by="idf imagery")
    assert len(list(dataset.samples())) == 6
    assert (dataset.manifest["recipe"]["samples"], dataset.manifest["seed"]) == (6, 3)
    before = files_of(out)
    assert run("imagery", "--out", out, "--samples", 6, *ROLLS) == 1
    says(one_sentence(capsys, "idf"), out, "already", "dataset")
    assert files_of(out) == before


WARNING = "450 published rows"


@pytest.mark.parametrize("command", [("imagery", "--samples", 2), ("traces", "--problems", 2)])
def test_data_made_without_a_whole_clone_are_warned_of_once(capsys, tmp_path, monkeypatch, command):
    assert run(*command, "--out", tmp_path / "without", "--workers", 2, *ROLLS) == 0
    said = capsys.readouterr().err
    assert said.count(WARNING) == 1
    line_that_says(said, "warning", "270 of the 1,050 items", "spatialite=DIR")
    clone = write_clone(tmp_path / "clone")
    assert run(*command, "--out", tmp_path / "part", f"spatialite={clone}", *ROLLS) == 0
    said = capsys.readouterr().err
    line_that_says(said, "warning", clone, "not a whole clone", "270 of the 1,050 items", "spatialite=DIR")
    assert said.count("published rows") == 1
    monkeypatch.setattr("idf.suites._published.MAIN_ROWS", 270)
    assert run(*command, "--out", tmp_path / "whole", f"spatialite={clone}", *ROLLS) == 0
    assert "published rows" not in capsys.readouterr().err


def test_a_recipe_is_read_and_options_win_over_it(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("samples: 99\nseed: 5\nworlds: {cube_rolling: 1}\ndifficulties: {easy: 1}\nmax_pixels: 3136\n")
    assert run("imagery", "--out", tmp_path / "d", "--recipe", recipe, "--samples", 3, "modes={tqa: 1}") == 0
    saved = open_dataset(tmp_path / "d", made_by="idf imagery").manifest["recipe"]
    assert (saved["samples"], saved["seed"], saved["modes"]) == (3, 5, {"tqa": 1.0})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("imagery", "sampels=3"), ("unknown key", "sampels", "samples")),
        (("imagery", "nonsense"), ("'nonsense'", "override", "key=value")),
        (("imagery", "--samples", "0"), ("samples", 1, 0)),
        (("imagery", "worlds={chess: 1}"), ("worlds", "unknown", "'chess'")),
        (("imagery", "--recipe", "nowhere.yaml"), ("no recipe", "nowhere.yaml")),
        (("traces", "--teacher", "gpt"), ("teacher.name", "oracle, hf, vllm, openai", "'gpt'")),
        (("traces", "--teacher", "openai"), ("teacher openai", "needs", "teacher.model")),
        (("traces", "--model", "m"), ("teacher.model", "teacher oracle", "leave it out")),
        (("imagery", "kinds={dance: 1}"), ("kinds", "unknown", "'dance'")),
        (("imagery", "kinds={legality: 1}"), ("kinds", "mental_rotation", "none", "only rollout,")),
        (("imagery", "phrasings=9"), ("phrasings", 1, 4, "null", 9)),
        (("imagery", "noise=1.5"), ("noise", 0, 1, 1.5)),
        (("imagery", "--engine", "spark"), ("unknown engine", "'spark'", "local, ray")),
        (("imagery", "--workers", "0"), ("workers", 1, 0)),
        (("imagery", "spatialite=nowhere"), ("no folder", "nowhere")),
        (("traces", "--problems", "-4"), ("problems", 1, "-4")),
        (("suite", "--items", "0"), ("items", 1, 0)),
        (("suite", "worlds=[chess]"), ("worlds", "unknown", "'chess'")),
    ],
)
def test_a_wrong_recipe_is_one_sentence_and_status_1_and_nothing_is_written(capsys, tmp_path, arguments, said):
    command, *rest = arguments
    assert run(command, "--out", tmp_path / "d", *rest) == 1
    says(one_sentence(capsys, "idf"), *said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["imagery", "traces", "suite"])
def test_pictures_too_small_to_draw_are_one_sentence(tmp_path, command):
    modes = () if command == "suite" else ("modes={vqa: 1}",)
    assert run(command, "--out", tmp_path / "d", "max_pixels=100", *modes) == 1


def test_traces_are_made_then_filtered(capsys, tmp_path):
    made, kept = tmp_path / "made", tmp_path / "kept"
    assert run("traces", "--out", made, "--problems", 5, *ROLLS) == 0
    line_that_says(capsys.readouterr().out, "5 candidate traces", made)
    assert run("filter", made, "--out", kept, "--keep", 6) == 1
    line_that_says(capsys.readouterr().err, "5 of 5", "traces", "only", 6)
    assert not kept.exists()
    assert run("filter", made, "--out", kept, "--keep", 6, "--allow-fewer") == 0
    line_that_says(capsys.readouterr().out, "5 traces", kept)
    assert run("filter", made, "--out", tmp_path / "four", "--keep", 4) == 0
    assert "cube_rolling           5           1           4" in capsys.readouterr().out


def test_filter_tells_a_missing_folder_and_a_folder_of_imagery(capsys, tmp_path):
    assert run("filter", tmp_path / "nowhere", "--out", tmp_path / "kept") == 1
    nowhere = tmp_path / "nowhere"
    says(one_sentence(capsys, "idf"), f"no dataset in {nowhere}", f"`idf traces --out {nowhere}`")
    assert run("imagery", "--out", tmp_path / "d", "--samples", 2, *ROLLS) == 0
    capsys.readouterr()
    assert run("filter", tmp_path / "d", "--out", tmp_path / "kept") == 1
    says(one_sentence(capsys, "idf"), "holds no problem", "`idf traces`")


def test_a_suite_is_written_once(capsys, tmp_path):
    out = tmp_path / "s"
    arguments = ("suite", "--out", out, "--items", 2, "--seed", 8, "worlds=[cube_rolling]", "max_pixels=3136")
    assert run(*arguments) == 0
    assert capsys.readouterr().out == f"6 items in {out}\n"
    assert len(read_suite(out)) == 6
    assert json.loads((out / "suite.json").read_text())["recipe"]["seed"] == 8
    assert run(*arguments) == 1
    says(one_sentence(capsys, "idf"), out, "already", "suite")


# --- verify ------------------------------------------------------------------------------------------------------


def test_verify_prints_the_agreement_of_each_file_and_of_all(capsys, tmp_path):
    assert run("verify", write_clone(tmp_path)) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["cube_rolling_samples.json", "3/3"],
        ["mental_rotation_samples.json", "3/3"],
        ["rubiks_cube_samples.json", "3/3"],
        ["move_box_samples.json", "2/2"],
        ["wood_slide_samples.json", "1/1"],
        ["agreement", "12/12"],
    ]


def test_verify_names_what_disagrees_and_ends_with_status_1(capsys, tmp_path):
    files = rows()
    files["move_box/move_box_samples.json"][1] = box(answer="7")
    assert run("verify", write_clone(tmp_path, files)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "move_box_samples.json            1/2" in lines
    assert line_that_says(lines, "move_box_samples:1", "published", "'7'", "pushes 1").startswith("  ")
    assert lines[-1] == "agreement 11/12"


def test_verify_of_a_broken_or_missing_clone_is_one_sentence(capsys, tmp_path):
    assert run("verify", tmp_path / "nowhere") == 1
    says(one_sentence(capsys, "idf"), "no folder", tmp_path / "nowhere")
    clone = write_clone(tmp_path / "clone")
    path = clone / "data" / "move_box" / "move_box_samples.json"
    path.write_text(path.read_text() + "{\n")
    assert run("verify", clone) == 1
    says(one_sentence(capsys, "idf"), f"{path}, line 3", "JSON object")


@needs_originals
def test_verify_agrees_with_all_published_items(capsys):
    assert run("verify", FOLDER) == 0
    lines = capsys.readouterr().out.splitlines()
    good, _, of = lines[-1].removeprefix("agreement ").partition("/")
    assert good == of
    assert len(lines) == 6


@needs_originals
def test_verify_of_a_copy_with_one_changed_answer_names_the_item(capsys, tmp_path):
    for source in FOLDER.glob("data/*/*_samples.json"):
        target = Path(tmp_path, *source.relative_to(FOLDER).parts)
        target.parent.mkdir(parents=True)
        lines = source.read_text(encoding="utf-8").splitlines()
        if source.name == "rubiks_cube_samples.json":
            lines[4] = json.dumps(json.loads(lines[4]) | {"answer": "purple"})
        target.write_text("\n".join(lines), encoding="utf-8")
    assert run("verify", tmp_path) == 1
    named = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert len(named) == 1
    says(named[0], "rubiks_cube_samples:4", "published", "'purple'")


def test_changes_to_the_recipe_may_stand_between_options(tmp_path):
    out = tmp_path / "d"
    assert run("imagery", "samples=3", "--out", out, "worlds={cube_rolling: 1}", "--seed", 1, "noise=0") == 0
    recipe = json.loads((out / "dataset.json").read_text())["recipe"]
    assert (recipe["samples"], recipe["seed"], recipe["noise"], recipe["worlds"]) == (3, 1, 0, {"cube_rolling": 1})


def test_an_option_that_is_none_is_told_how_a_change_to_the_recipe_is_written(capsys, tmp_path):
    assert run("imagery", "--out", tmp_path / "d", "--no-such-option=1") == 1
    says(one_sentence(capsys, "idf"), "--no-such-option", "no_such_option=1")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("command", ["imagery", "traces"])
def test_a_folder_that_holds_data_is_refused_before_anything_else_is_said(command, capsys, tmp_path):
    size = "--samples" if command == "imagery" else "--problems"
    made = (command, size, 2, "--out", tmp_path / "data", "worlds={cube_rolling: 1}", "difficulties={easy: 1}")
    assert run(*made) == 0
    assert "warning: no clone of SpatiaLite is named" in capsys.readouterr().err
    assert run(*made) == 1
    assert "warning" not in capsys.readouterr().err
