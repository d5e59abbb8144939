"""Teachers from end to end: problems are asked, replies become traces, the filter keeps the right ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idf.data import LocalEngine, Row, allot_slots, choose_rows, open_dataset, text_of
from idf.imagery import ImageryRecipe, build_imagery
from idf.suites import published
from idf.traces import TraceMaker, TracesRecipe, form_of_steps, oracle_response
from idf.worlds import WORLDS, problem_from_json
from tests.backends.server import Call, Reply, completion, failing, serving
from tests.cli.running import run
from tests.data.samples import files_of
from tests.sentences import line_that_says
from tests.training.hub_layout import hub_layout

KEY = "sk-nobody-may-see-this"
FORM = ("max_pixels=12544", "difficulties={easy: 1}", "noise=0.5")


@pytest.fixture(autouse=True)
def _with_a_key(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def asked(problems: int, **changes: Any) -> dict[str, Row]:
    """What a teacher is asked for so many problems: prompt -> row."""
    recipe = TracesRecipe(problems=problems, max_pixels=12544, difficulties={"easy": 1.0}, noise=0.5, **changes)
    maker = TraceMaker(recipe, published())
    kinds = {world: {"trace": 1.0} for world in recipe.worlds}
    slots = allot_slots(problems, recipe.worlds, recipe.difficulties, kinds, recipe.seed)
    rows = choose_rows(slots, maker, LocalEngine()).rows
    prompts = {text_of(maker.request(row).messages[-1]): row for row in rows}
    assert len(prompts) == problems, "a picture is part of the question, but here the texts must tell problems apart"
    return prompts


def right(row: Row) -> str:
    from idf.worlds import Draw

    draw = Draw(0, "train", row.index, row.slot.difficulty)
    return oracle_response(draw.problem_again(WORLDS[row.slot.world], row.draft.attempt))


def traces(server: Any, out: Path, problems: int, *more: str, status: int = 0) -> None:
    options = ("--out", out, "--problems", problems, "--teacher", "openai", "--model", "m")
    changes = (*FORM, f"teacher.base_url={server.url}", "modes={vtqa: 1, tqa: 1}", *more)
    assert run("traces", *options, *changes) == status


def test_right_replies_are_kept_and_wrong_ones_lost_under_their_rules(capsys, tmp_path):
    rows = asked(20, modes={"vtqa": 1.0, "tqa": 1.0})

    def answer(call: Call, before: int) -> Reply:
        at = list(rows).index(call.prompt)
        text = right(rows[call.prompt])
        wrong = {
            0: completion("Answer: purple"),
            1: completion(text.partition("Answer:")[0]),
            2: completion(text, finish_reason="length"),
            3: completion(" "),
            4: failing(400, "this prompt is not allowed"),
        }
        return wrong.get(at, completion(text, completion_tokens=99))

    with serving(answer) as server:
        traces(server, tmp_path / "made", 20)
        assert sorted(server.prompts) == sorted(rows), "every problem was asked once"
        pictures = sum("data:image/png;base64," in json.dumps(call.body) for call in server.calls)
    said = capsys.readouterr().out
    line_that_says(said, "20 candidate traces", tmp_path / "made")
    line_that_says(said, "1 of 20", "failed")
    made = open_dataset(tmp_path / "made", made_by="-")
    samples = list(made.samples())
    assert pictures == sum(sample.meta["mode"] != "tqa" for sample in samples) > 5
    assert {(s.meta["teacher"], s.meta["model"]) for s in samples} == {("openai", "m")}
    for sample, (prompt, row) in zip(samples, rows.items(), strict=True):
        assert prompt.startswith(text_of(sample.messages[0])), "the form of the steps is not part of the trace"
        assert prompt.endswith(f"\n\n{form_of_steps(sample.world)}")
        assert sample.world == row.slot.world
    assert [s.meta["completion_tokens"] for s in samples[5:]] == [99] * 15
    assert samples[4].meta["teacher_error"].endswith("this prompt is not allowed")
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), f"the key is in {file}"

    assert run("filter", tmp_path / "made", "--out", tmp_path / "kept", "--keep", 15) == 0
    kept = open_dataset(tmp_path / "kept", made_by="-")
    lost = Counter()
    for counts in kept.manifest["funnel"]["counts"].values():
        lost.update(counts)
    assert lost.pop("in") == 20
    assert lost.pop("kept") == 15
    purple = "wrong" if lost["wrong"] else "unparsed"  # a colour that is wrong, or no plan
    assert lost == Counter([purple, "unparsed", "truncated", "empty", "failed"])
    assert {sample.id for sample in kept.samples()} == {sample.id for sample in samples[5:]}
    assert kept.manifest["source"]["fingerprint"] == made.fingerprint()


def test_of_three_replies_to_a_problem_the_shortest_right_one_is_kept(tmp_path):
    rows = asked(6, modes={"tqa": 1.0})

    def answer(call: Call, before: int) -> Reply:
        text = right(rows[call.prompt])
        return completion(["Answer: no idea", f"Let me imagine it step by step, slowly.\n{text}", text][before])

    with serving(answer) as server:
        traces(server, tmp_path / "made", 6, "teacher.samples=3", "teacher.temperature=0.7", "modes={tqa: 1}")
        assert Counter(server.prompts) == dict.fromkeys(rows, 3)
        assert len({call.body["seed"] for call in server.calls}) == 18, "three samples, not one three times"
    made = list(open_dataset(tmp_path / "made", made_by="-").samples())
    assert [sample.id.split(":")[4:] for sample in made] == [[], ["1"], ["2"]] * 6
    assert all(len({sample.meta["key"] for sample in made[at : at + 3]}) == 1 for at in range(0, 18, 3))
    assert run("filter", tmp_path / "made", "--out", tmp_path / "kept", "--keep", 6) == 0
    kept = open_dataset(tmp_path / "kept", made_by="-")
    for sample in kept.samples():
        assert text_of(sample.messages[1]) == oracle_response(problem_from_json(sample.meta["problem"]))
    total = Counter()
    for counts in kept.manifest["funnel"]["counts"].values():
        total.update(counts)
    assert (total["in"], total["longer"], total["kept"]) == (18, 6, 6)


@pytest.mark.slow
def test_a_killed_run_asks_nothing_twice_and_ends_with_the_same_bytes(tmp_path):
    rows = asked(30, modes={"vtqa": 1.0, "tqa": 1.0})

    def slowly(call: Call, before: int) -> Reply:
        reply = completion(right(rows[call.prompt]))
        reply.delay_s = 0.05
        return reply

    with serving(slowly) as server:
        out = tmp_path / "made"
        journal = tmp_path / "made.replies.jsonl"
        command = [sys.executable, "-c", "from idf.cli.main import main; main()", "traces", "--out", str(out)]
        command += ["--problems", "30", "--teacher", "openai", "--model", "m", *FORM, "modes={vtqa: 1, tqa: 1}"]
        command += [f"teacher.base_url={server.url}", "teacher.concurrency=2"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: journal.exists() and journal.read_text().count("\n") > 8, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        answered = journal.read_text().count("\n") - 1
        assert answered < 30
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
        twice = [prompt for prompt, n in Counter(server.prompts).items() if n > 1]
        assert set(server.prompts) == set(rows)
        assert len(twice) <= 2, "only what was in flight"
        assert len(server.calls) <= 30 + 2
        traces(server, tmp_path / "again" / "made", 30, "teacher.concurrency=2")
    assert files_of(out) == files_of(tmp_path / "again" / "made")


def wait_until(true: Callable[[], bool], process: subprocess.Popen) -> None:
    patience = time.monotonic() + 60
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_nobody_is_asked_for_a_dataset_that_is_there(tmp_path):
    with serving(lambda call, before: completion("Answer: red")) as server:
        traces(server, tmp_path / "made", 2)
        traces(server, tmp_path / "made", 3, status=1)
        assert len(server.calls) == 2


def test_more_problems_later_ask_only_for_the_new_ones(tmp_path):
    with serving(lambda call, before: completion("Answer: red")) as server:
        traces(server, tmp_path / "made", 4, "worlds={cube_rolling: 1}")
        (tmp_path / "made").rename(tmp_path / "first")
        traces(server, tmp_path / "made", 7, "worlds={cube_rolling: 1}")
        assert len(server.calls) == 7


# --- a model of one's own ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from idf.training.tiny import make_tiny_model

    root = tmp_path_factory.mktemp("local")
    make_tiny_model([build_imagery(ImageryRecipe(samples=30, max_pixels=3136), root / "imagery")], root / "own")
    return hub_layout(root / "own", root / "model")


@pytest.mark.slow
def test_an_untrained_model_writes_traces_and_the_filter_says_why_it_keeps_none(capsys, model, tmp_path):
    made, kept = tmp_path / "made", tmp_path / "kept"
    options = ("--out", made, "--problems", 5, "--teacher", "hf", "--model", model)
    teacher = ("teacher.max_new_tokens=12", "teacher.device=cpu", "teacher.samples=2", "teacher.temperature=1.0")
    assert run("traces", *options, *FORM, *teacher) == 0
    samples = list(open_dataset(made, made_by="-").samples())
    assert len(samples) == 10
    assert {sample.meta["finish_reason"] for sample in samples} <= {"length", "stop"}
    capsys.readouterr()
    assert run("filter", made, "--out", kept, "--keep", 5) == 1
    errors = capsys.readouterr().err
    line_that_says(errors, "only", "0 of 10", "traces", made, 5)
    assert "trace:" in line_that_says(errors, "truncated", "finish_reason length")
    assert "Traceback" not in errors
    assert run("filter", made, "--out", kept, "--keep", 5, "--allow-fewer") == 1
    assert not kept.exists()
    line_that_says(capsys.readouterr().err, "no trace", made)
