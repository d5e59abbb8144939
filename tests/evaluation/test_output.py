"""A folder of results holds one evaluation, and one process at a time writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import EvaluationRecipe, run_evaluation
from idf.evaluation.run.output import enter, locked
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, refused, says


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("output") / "s"
    assert run("suite", "--out", folder, "--items", 2, "difficulties=[easy]", "worlds=[cube_rolling, moving_box]") == 0
    return folder


def baseline(suite: Path, out: Path, name: str = "oracle", *more: object) -> int:
    return evaluate("--baseline", name, "--suite", suite, "--modes", "tqa", "--out", out, *more)


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("initial", (), ("baseline", "oracle", "initial")),
        ("oracle", ("--limit", 1), ("limit", "null", 1)),
        ("oracle", ("--samples", 2), ("samples", 1, 2)),
        ("oracle", ("modes=[vqa]",), ("modes", "tqa", "vqa")),
    ],
)
def test_another_evaluation_does_not_take_a_folder_unless_that_is_wanted(capsys, suite, tmp_path, name, more, said):
    out = tmp_path / "o"
    assert baseline(suite, out) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert baseline(suite, out, name, *more) == 1
    says(one_sentence(capsys, "idf-eval"), out, "another evaluation", "--overwrite", *said)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert baseline(suite, out, name, *more, "--overwrite") == 0
    assert baseline(suite, out, name, *more) == 0, "now it is the folder of this one"
    assert json.loads((out / "evaluation.json").read_text())["recipe"]["baseline"] == name


@pytest.mark.parametrize(("key", "value"), [("temperature", 0.7), ("top_p", 0.5), ("seed", 3), ("max_new_tokens", 2)])
def test_another_way_to_draw_tokens_is_another_evaluation(capsys, tiny, suite, tmp_path, key, value):
    out, asked = tmp_path / "o", {"temperature": 1.0, "top_p": 0.9, "seed": 0, "max_new_tokens": 1}

    def ask(**sampling: object) -> int:
        options = [
            word for name, given in (asked | sampling).items() for word in (f"--{name.replace('_', '-')}", given)
        ]
        return evaluate(tiny, "--suite", suite, "--modes", "tqa", "--limit", 1, "--out", out, *options)

    assert ask() == 0
    before = (out / "results.json").read_bytes()
    capsys.readouterr()
    assert ask(**{key: value}) == 1
    says(one_sentence(capsys, "idf-eval"), out, "another evaluation", key, asked[key], value, "--overwrite")
    assert (out / "results.json").read_bytes() == before
    assert ask() == 0, "the same one again is welcome"


def test_the_same_evaluation_again_is_welcome(suite, tmp_path):
    assert baseline(suite, tmp_path / "o") == 0
    assert baseline(suite, tmp_path / "o") == 0


def test_results_of_an_earlier_version_are_protected_too(capsys, suite, tmp_path):
    out = tmp_path / "o"
    assert baseline(suite, out) == 0
    (out / "evaluation.json").unlink()
    assert baseline(suite, out, "oracle", "--samples", 3) == 1
    says(one_sentence(capsys, "idf-eval"), out, "another evaluation", "samples")
    (out / "results.json").write_text("{")
    assert baseline(suite, out) == 1
    says(one_sentence(capsys, "idf-eval"), out / "results.json", "broken")


def test_other_stored_responses_under_the_same_name_are_another_evaluation(capsys, suite, tmp_path):
    responses, out = tmp_path / "responses.jsonl", tmp_path / "o"
    ids = [json.loads(line)["id"] for line in (suite / "items.jsonl").read_text().splitlines()]
    for answer, status in (("red", 0), ("blue", 1)):
        lines = [json.dumps({"id": id, "mode": "tqa", "response": f"Answer: {answer}"}) for id in ids]
        responses.write_text("\n".join(lines) + "\n")
        assert evaluate("--responses", responses, "--suite", suite, "--modes", "tqa", "--out", out) == status
    says(one_sentence(capsys, "idf-eval"), out, "responses_sha256", "--overwrite")


def test_overwriting_removes_the_results_at_once_and_keeps_answers(tmp_path):
    out = tmp_path / "o"
    (out / "answers").mkdir(parents=True)
    (out / "answers" / "a.jsonl").write_text("{}\n")
    (out / "results.json").write_text('{"run": {"samples": 1}}')
    (out / "report.html").write_text("old")
    with refused(out, "samples", "--overwrite"):
        enter(out, {"samples": 2}, {}, overwrite=False)
    enter(out, {"samples": 2}, {}, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["answers", "evaluation.json"]
    assert (out / "answers" / "a.jsonl").exists()
    enter(out, {"samples": 2}, {}, overwrite=False)


def test_a_folder_without_answers_or_results_holds_nothing(tmp_path):
    out = tmp_path / "o"
    out.mkdir()
    enter(out, {"samples": 1}, {}, overwrite=False)
    enter(out, {"samples": 2}, {}, overwrite=False)
    assert json.loads((out / "evaluation.json").read_text())["identity"] == {"samples": 2}


HOLDS = """
import sys, time
from pathlib import Path
from idf.evaluation.run.output import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_runs_into_one_folder_exclude_each_other(capsys, suite, tmp_path):
    out = tmp_path / "o"
    with subprocess.Popen([sys.executable, "-c", HOLDS, out], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert baseline(suite, out) == 1
        says(one_sentence(capsys, "idf-eval"), out, "another process")
        other.kill()
    assert baseline(suite, out) == 0, "a lock goes with its process"
    with locked(out), refused(out, "another process"), locked(out):
        raise AssertionError("a second time in one process, too")


def test_a_recipe_file_says_all_that_options_say(capsys, suite, tmp_path):
    file = tmp_path / "evaluation.yaml"
    file.write_text(f"baseline: oracle\nsuite: {suite}\nmodes: [tqa, vqa]\nlimit: 1\n")
    assert evaluate("--recipe", file, "--out", tmp_path / "o", "samples=2", "--modes", "tqa") == 0
    line_that_says(capsys.readouterr().out, "baseline oracle", suite)
    facts: dict[str, Any] = json.loads((tmp_path / "o" / "results.json").read_text())["run"]
    assert (facts["modes"], facts["limit"], facts["samples"]) == (["tqa"], 1, 2)
    recipe = {key: value for key, value in facts["recipe"].items() if value is not None}
    assert EvaluationRecipe.of(**recipe).suite == str(suite)
    assert evaluate("--recipe", file, "--out", tmp_path / "p", "limt=2") == 1
    says(one_sentence(capsys, "idf-eval"), "limt", "limit")


def test_a_recipe_from_python_does_what_the_command_does(suite, tmp_path):
    recipe = EvaluationRecipe.of(baseline="oracle", suite=str(suite), modes=["tqa"])
    results = run_evaluation(recipe, tmp_path / "o", say=lambda _: None)
    assert results is not None
    assert baseline(suite, tmp_path / "p") == 0
    assert (tmp_path / "o" / "samples.jsonl").read_bytes() == (tmp_path / "p" / "samples.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--backend", "openai"), ("backend", "--baseline")),
        (("--max-new-tokens", 5), ("max_new_tokens", "--baseline")),
        (("--prompts", "official-2025"), ("prompts", "--baseline")),
        (("--batch-size", 5), ("batch_size", "--baseline")),
    ],
)
def test_what_means_nothing_to_a_player_who_asks_nobody_is_refused(capsys, suite, tmp_path, more, said):
    assert baseline(suite, tmp_path / "o", "oracle", *more) == 1
    says(one_sentence(capsys, "idf-eval"), "means nothing", *said)


def test_a_file_is_no_checkpoint(capsys, suite, tmp_path):
    (tmp_path / "responses.jsonl").write_text("")
    assert evaluate(tmp_path / "responses.jsonl", "--suite", suite, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), "is a file", "--responses FILE")
