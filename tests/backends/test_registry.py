"""A backend of another package: one file outside of idf, found by its entry point, in idf-eval, as teacher and as parser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.sentences import line_that_says, says

ROOT = Path(__file__).parents[2]
PARROT = '''
"""A model that knows one answer, and as a parser quotes the last word of what it is shown."""

from dataclasses import dataclass

from idf.backends import Backend, Response
from idf.recipe import key


@dataclass(frozen=True)
class ParrotOptions:
    word: str = key("red", help="what it says")
    louder: int = key(1, least=1, help="how often")


class Parrot(Backend):
    Options = ParrotOptions

    def __init__(self, model, *, sampling, word="red", louder=1):
        self.name, self.word, self.louder = f"parrot:{model}", word, louder

    def generate(self, requests):
        for i in range(len(requests)):
            asked = requests[i].messages[-1]["content"][-1]["text"]
            quoted = asked.partition("<response>")[2].partition("</response>")[0].split()
            yield i, Response(quoted[-1] if quoted else "I say " + f"{self.word} " * self.louder, 5, 2, "stop")
'''


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages as pip would leave it."""
    folder = tmp_path / "site"
    (folder / "parrot-1.0.dist-info").mkdir(parents=True)
    (folder / "parrot-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
    (folder / "parrot-1.0.dist-info" / "entry_points.txt").write_text("[idf.backends]\nparrot = parrot:Parrot\n")
    (folder / "parrot.py").write_text(PARROT)
    return folder


def command(packages: Path, module: str, *words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)])}
    line = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(line, env=environment, cwd=packages, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry") / "s"
    assert run("suite", "--out", folder, "--items", 6, "difficulties=[easy]", "worlds=[cube_rolling]") == 0
    return folder


def test_one_file_outside_answers_in_idf_eval_as_teacher_and_as_parser(suite, packages, tmp_path):
    asked = ("--suite", suite, "--modes", "tqa", "--prompts", "idf-short-1")
    out = tmp_path / "o"
    found = command(
        packages, "idf.cli.evaluate", "polly", "--backend", "parrot", "--louder", 2, "--out", out, *asked,
        "--parser", "parrot:polly",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    line_that_says(found.stdout, "longest prompt", "at most", "tokens")
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert {row["response"] for row in rows} == {"I say red red "}
    assert {row["quote"] for row in rows} == {"red"}
    answers = [json.loads(line)["problem"] for line in (suite / "items.jsonl").read_text().splitlines()]
    truth = [run_truth(problem) for problem in answers]
    assert [row["correct"] for row in rows] == [answer == "red" for answer in truth]
    facts = json.loads((out / "results.json").read_text())["run"]
    assert facts["backend"] == "parrot"
    assert facts["louder"] == 2, "an option that decides stands in the results"
    assert facts["recipe"]["louder"] == 2
    assert facts["parser"]["name"] == "parrot:polly"
    assert "parrot" in facts["fingerprint"]

    traces = tmp_path / "traces"
    made = command(
        packages, "idf.cli.main", "traces", "--out", traces, "--teacher", "parrot", "--model", "polly",
        "teacher.word=blue", "--problems", 4, "worlds={cube_rolling: 1}", "modes={tqa: 1}", "difficulties={easy: 1}",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    replies = (tmp_path / "traces.replies.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in replies[1:]] == ["I say blue "] * 4
    assert json.loads(replies[0])["recipe"]["teacher"]["word"] == "blue"


def run_truth(problem: dict[str, object]) -> str:
    from idf.worlds import WORLDS, problem_from_json

    made = problem_from_json(problem)
    return str(WORLDS[made.world].truth(made))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--backend", "parrot", "--louder", "0"), ("louder", "at least 1", 0)),
        (("--backend", "parrot", "loud=3"), ("unknown key loud", "louder")),
        (("--backend", "parrot", "--concurrency", "3"), ("concurrency", "openai", "parrot")),
        (("--backend", "macaw"), ("macaw", "hf, vllm, openai, parrot")),
        (("--backend", "parrot", "--temperature", "default"), ("temperature=default", "parrot")),
    ],
)
def test_what_it_cannot_be_told_is_one_sentence(suite, packages, tmp_path, words, said):
    found = command(packages, "idf.cli.evaluate", "polly", *words, "--suite", suite, "--out", tmp_path / "o")
    assert found.returncode == 1
    says(found.stderr.strip().splitlines()[-1], *said)
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("module", "entry", "said"),
    [
        ("import nothing_of_that_name", "parrot = parrot:Parrot", ("backend parrot", "parrot:Parrot", "nothing_of_that_name")),
        ("class Parrot: pass", "parrot = parrot:Parrot", ("backend parrot", "no subclass", "idf.backends.Backend")),
        (PARROT, "hf = parrot:Parrot", ("two backends", "hf", "parrot")),
        (PARROT.replace("louder", "samples"), "parrot = parrot:Parrot", ("parrot", "option samples", "another name")),
    ],
)  # fmt: skip
def test_a_package_that_is_broken_is_one_sentence(suite, packages, tmp_path, module, entry, said):
    (packages / "parrot.py").write_text(module)
    (packages / "parrot-1.0.dist-info" / "entry_points.txt").write_text(f"[idf.backends]\n{entry}\n")
    words = ("polly", "--backend", "parrot", "--suite", suite, "--out", tmp_path / "o")
    found = command(packages, "idf.cli.evaluate", *words)
    assert found.returncode == 1
    says(found.stderr.strip().splitlines()[-1], *said)
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("yielded", "said"),
    [
        ("-1, Response('x')", ("index -1", "6 requests", "0 to 5")),
        ("len(requests), Response('x')", ("index 6", "0 to 5")),
        ("0, Response('x')", ("index 0", "twice")),
        ("i, 'x'", ("str", "idf.backends.Response")),
        ("i, Response(None)", ("text", "None")),
        ("i, Response('x', completion_tokens=-4)", ("completion_tokens", "-4", "whole number")),
        ("i, Response('x', finish_reason=1)", ("finish_reason", "1")),
    ],
)
def test_what_is_no_answer_to_a_request_is_one_sentence_and_is_not_kept(suite, packages, tmp_path, yielded, said):
    module, whole = packages / "parrot.py", "yield i, Response("
    head, _, _ = PARROT.partition(whole)
    module.write_text(f"{head}yield {yielded}\n")
    out = tmp_path / "o"
    words = ("polly", "--backend", "parrot", "--suite", suite, "--modes", "tqa", "--out", out)
    found = command(packages, "idf.cli.evaluate", *words)
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    says(found.stderr.strip().splitlines()[-1], "Parrot", "docs/backends.md", *said)
    module.write_text(PARROT)
    again = command(packages, "idf.cli.evaluate", *words)
    assert again.returncode == 0, "the answers that were kept can be read"
