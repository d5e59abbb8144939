"""The study from pretrained weights: what is held out, what is run in which order, what it costs, and what is said of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.pretrained._arms import NAMES, Run, check_runs, dose_curve, planned, run_of
from bench.pretrained._data import commands, draw_items, is_held_out, is_new_walk, may_train, path_of
from bench.pretrained._forms import Asked, first_wrong
from bench.pretrained._hours import part_hours, within
from bench.pretrained._power import foreseen, smallest_seen
from bench.pretrained._recipe import HERE, ROOT, WORLD, PretrainedRecipe
from bench.pretrained._report import compared, figure, learned, outcomes, read_results, report
from bench.pretrained._run import _has_result, jobs_of
from bench.pretrained._timed import cpu_seconds
from bench.study._arms import Epoch
from bench.study._data import Folders
from bench.study._page import BEGIN, END, results_on, write_page
from bench.study._statistics import Effect, difference
from idf.data import Sample, conversation
from idf.imagery import ImageryRecipe
from idf.recipe import read_recipe
from idf.traces import TracesRecipe
from idf.training.recipe import StageRecipe
from idf.worlds import WORLDS
from tests.sentences import line_that_says, refused, says

EPOCHS = {name: Epoch(100, 50_000, 95_000) for name in ("imagery", "traces", "short", "mixed")}


def recipe(tmp_path: Path, **changes) -> PretrainedRecipe:
    return PretrainedRecipe(str(tmp_path / "work"), str(tmp_path / "results"), **{"budgets": [120, 240], **changes})


def sample(kind: str, rolls: str, start: str = "red yellow blue green gray black at 3,3") -> Sample:
    meta = {"start": start, "actions": rolls.split()}
    return Sample("x", WORLD, "easy", kind, [], conversation("?", "!", with_picture=False), meta)


# --- what is held out --------------------------------------------------------------------------------------------


def test_a_path_is_the_same_whatever_its_colours_and_however_the_board_is_turned():
    one = path_of("red yellow blue green gray black at 0,0", ["right", "right", "front"])
    assert one == path_of("black gray green blue yellow red at 5,5", ["back", "back", "left"])
    assert one != path_of("red yellow blue green gray black at 0,0", ["right", "front", "front"])


def test_no_path_of_the_suite_may_train_and_longer_ones_are_longer_than_any(tmp_path):
    asked = recipe(tmp_path)
    world = WORLDS[WORLD]
    items = draw_items(asked)
    sizes = [world.size(item.problem) for item in items]
    assert [sizes.count(n) for n in (*asked.rolls, *asked.longer)] == [50, 50, 50, 34, 33, 33]
    assert len({item.id for item in items}) == len(items)
    for item in items:
        start, path = world.write(item.problem.start), item.problem.query.path
        assert not may_train(sample("rollout", path, start), asked)
        assert not may_train(sample("legality", path, start), asked)
        trace = sample("trace", "")
        trace.meta["problem"] = {"start": start, "query": {"path": path, "face": "top"}}
        assert not may_train(trace, asked)


def test_stretches_of_walks_may_be_short_and_whole_paths_are_of_the_trained_rolls(tmp_path):
    asked = recipe(tmp_path)
    assert may_train(sample("step", "right"), asked)
    assert may_train(sample("inverse", ""), asked)
    assert not may_train(sample("rollout", "right right"), asked)
    assert not may_train(sample("legality", "right right front front right right front"), asked)


def test_a_walk_that_is_asked_is_none_that_trains(tmp_path):
    asked = recipe(tmp_path)
    ways = ("right right front left", "right front right front", "front front front front", "right front front left")
    walks = [sample("rollout", rolls) for rolls in ways]
    assert [is_new_walk(walk, asked) for walk in walks] == [not may_train(walk, asked) for walk in walks]
    assert {is_held_out(path, recipe(tmp_path, held_out=1)) for path in ("right right front left",)} == {True}
    assert not is_held_out("right", recipe(tmp_path, held_out=1))  # of fewer rolls than are asked


def test_the_committed_recipes_are_sound_and_an_update_is_alike_in_both_stages(tmp_path):
    asked = read_recipe(PretrainedRecipe, HERE / "full.yaml")
    stages = [read_recipe(StageRecipe, HERE / f"stage{n}.yaml") for n in (1, 2)]
    assert [stage.stage for stage in stages] == ["imagery", "reasoning"]
    assert replace(stages[0], stage="reasoning") == stages[1]
    read_recipe(ImageryRecipe, HERE / "imagery.yaml")
    for file, words in commands(asked, Folders(tmp_path)):
        assert file.name == "dataset.json"
        changes = [word for word in words if re.match(r"[a-z.]+=", word)]
        if words[0] == "traces":
            assert read_recipe(TracesRecipe, HERE / "traces.yaml", changes).cells is not None
    with refused("seeds", "pilot"):
        read_recipe(PretrainedRecipe, HERE / "full.yaml", ["seeds=[1, 100]"])
    with refused("longer", "rolls"):
        read_recipe(PretrainedRecipe, HERE / "full.yaml", ["longer=[5]"])


# --- what is run -------------------------------------------------------------------------------------------------


def test_all_arms_of_a_budget_have_as_many_updates_and_imagery_is_the_first_stage_of_its_arm(tmp_path):
    asked = recipe(tmp_path)
    for budget in asked.budgets:
        for arm in NAMES:
            run = run_of(arm, budget, asked)
            assert run.updates + run.before == (budget if arm != "imagery" else budget / 2), arm
        assert run_of("imagery_then_traces", budget, asked).parent == run_of("imagery", budget, asked)
    assert run_of("random_imagery_then_traces", 120, asked).parent == Run("imagery", 60, random=True)


def test_seeds_go_in_pairs_and_the_first_pair_decides_whether_stage_1_is_learned(tmp_path):
    arms = planned(recipe(tmp_path))
    assert len(set(arms)) == len(arms) == 3 * (5 + 3 + 4 + 2)
    assert arms[:2] == check_runs(recipe(tmp_path))
    assert [seed for seed, _ in arms[:15]] == [1, 2] * 5 + [3] * 5
    assert {run.data for _, run in dose_curve(recipe(tmp_path))} == {"imagery"}
    assert sorted({run.updates for _, run in dose_curve(recipe(tmp_path))}) == [60, 120, 240, 480]


def test_each_process_stands_once_and_after_what_it_needs(tmp_path):
    asked = recipe(tmp_path)
    found = {}
    for arm in planned(asked):
        for job in jobs_of([arm], asked, EPOCHS, Folders(tmp_path / "work")):
            found.setdefault(job.name, job)
    names = list(found)
    assert all(set(job.needs) <= set(names[: names.index(name)]) for name, job in found.items())
    assert sum(name.startswith("evaluation") for name in names) == 42
    told = " ".join(found["imagery-120-then-traces-120 seed 2"].command)
    says(told, "launch/stage2.py", "imagery-120-seed2/final", "seed=2")
    says(" ".join(found["random-traces-240 seed 3"].command), "base/seed3")
    says(" ".join(found["traces-240 seed 3"].command), "base/seed0")


def test_what_does_not_fit_into_the_hours_is_dropped_from_the_end_and_the_question_never(tmp_path):
    asked = recipe(tmp_path, budgets=[90, 190])
    kept, told = within(asked, EPOCHS)
    hours = {part: part_hours(part, asked, EPOCHS) for part in asked.parts}
    assert hours["main"] > hours["smaller"] > 0
    assert kept.parts == told["parts"] == ["main", "smaller"]
    assert told["dropped"] == ["random", "mixed"]
    assert told["hours"] <= asked.hours[0]
    assert [name for session in told["sessions"] for name in session] == [
        f"{run.name} seed {seed}" for seed, run in planned(kept)
    ]
    assert len(told["sessions"]) == 4  # what begins from a run stands in its session, so nothing is trained twice
    for session in told["sessions"]:
        assert all(name.partition("-then-")[0] in " ".join(session) for name in session)
    assert within(replace(asked, hours=[1.0, 1.0]), EPOCHS)[0].parts == ["main"]
    assert within(replace(asked, hours=[100.0, 1.0]), EPOCHS)[0].parts == asked.parts
    twice = replace(asked, trained_a_second=2 * asked.trained_a_second, seconds_to_start=0)
    assert part_hours("main", twice, EPOCHS) < hours["main"]


def test_a_command_is_timed_and_its_status_kept(tmp_path):
    file = tmp_path / "a.cpu"
    for status in (0, 3):
        words = [sys.executable, "-c", f"import sys; sum(range(2000000)); sys.exit({status})"]
        done = subprocess.run([sys.executable, "-m", "bench.pretrained._timed", str(file), *words], cwd=ROOT)
        assert done.returncode == status
    assert len(file.read_text().splitlines()) == 2
    assert cpu_seconds(file) > 0
    assert cpu_seconds(tmp_path / "none") is None


# --- what is said ------------------------------------------------------------------------------------------------


def result(right: list[int], walks: tuple[int, int] = (10, 10)) -> dict:
    """Of items with 4, 5, 7 and 8 rolls in turn."""
    count = len(right)
    return {
        "updates": 1,
        "tokens": 10,
        "label_tokens": 5,
        "causes": "".join(".t"[not one] for one in right),
        "rolls": [(4, 5, 7, 8)[n % 4] for n in range(count)],
        "tokens_of_answers": [9] * count,
        "right": [3] * count,
        "steps": [4] * count,
        "walks": {"steps": [walks[1]], "right": [walks[0]], "first_wrong": [0 if walks[0] == walks[1] else 2]},
    }


def written(asked: PretrainedRecipe, seed: int, arms: dict) -> None:
    folder = Path(asked.results)
    folder.mkdir(exist_ok=True)
    (folder / f"seed{seed}.json").write_text(json.dumps(arms))


def test_stage_1_is_learned_if_the_first_seeds_say_so(tmp_path):
    asked = recipe(tmp_path, rolls=[4, 5], longer=[7, 8])
    assert learned(asked) is None
    written(asked, 2, {"imagery-120": result([1] * 8, (20, 20))})
    assert learned(asked) is None
    says(report(asked), "Not asked yet")
    written(asked, 1, {"imagery-120": result([1] * 8, (18, 20))})
    assert learned(asked) is True
    written(asked, 1, {"imagery-120": result([1] * 8, (17, 20)), "imagery-60": result([1] * 8, (9, 20))})
    assert learned(asked) is False
    told = report(asked)
    says(told, "no: below 95%", "step 2: 1")
    line_that_says(told, "| 60 |", "45.0%")
    line_that_says(told, "| 120 |", "92.5%", "85% 100%")
    assert "minus" not in told
    assert figure(asked).axes


def test_the_tables_say_what_the_seeds_came_to_and_a_null_what_it_would_have_seen(tmp_path):
    asked = recipe(tmp_path, rolls=[4, 5], longer=[7, 8])
    for seed in (1, 2, 3):
        arms = {
            "imagery-120": result([0] * 40),
            "traces-240": result([1, 0, 0, 0] * 10),
            "imagery-120-then-traces-120": result([1, 1, 0, int(seed > 1)] * 10),
        }
        written(asked, seed, arms)
    told = report(asked)
    says(told, "yes: at least 95%")
    line_that_says(told, "minus", "240", "held-out paths", "+50.0 points", "(Holm)", "points")
    line_that_says(told, "minus", "240", "longer paths", "+33.3 points", "0 +50 +50", "no difference shown")
    line_that_says(told, "| imagery, then traces |", "100.0%", "33.3%", "75.0%")
    effects = {asked_of: effect for _, _, asked_of, effect in compared(asked, read_results(asked))}
    assert smallest_seen(effects["longer paths"]) > effects["longer paths"].mean
    assert _has_result(1, run_of("traces", 240, asked), asked)
    assert not _has_result(1, run_of("traces", 120, asked), asked)


def test_nothing_is_tested_before_the_last_seed(tmp_path):
    asked = recipe(tmp_path, rolls=[4, 5], longer=[7, 8])
    written(asked, 1, {"traces-240": result([1, 0, 1, 0] * 5), "imagery-120-then-traces-120": result([1, 1, 1, 1] * 5)})
    line_that_says(report(asked), "minus", "nothing is tested before the last seed")
    with refused("no results", "python -m bench.pretrained"):
        report(recipe(tmp_path / "empty"))


def test_longer_paths_are_counted_apart():
    found = [result([1, 1, 0, 0])]
    assert outcomes(found, [4, 5, 6]).tolist() == [[1, 1]]
    assert outcomes(found, [7, 8, 9]).tolist() == [[0, 0]]


def test_the_smallest_difference_is_found_in_four_studies_of_five():
    """By drawing studies: differences of ten seeds with a standard deviation of 10 points."""
    import numpy as np

    rng = np.random.default_rng(0)
    least = foreseen(10, 10**6, 0.1)
    drawn = rng.normal(least, 0.1, (400, 10))
    found = 0
    for study in drawn:
        table = np.repeat(study[:, None], 50, axis=1)
        found += difference(np.zeros_like(table), table).p < 0.05
    assert found / 400 == pytest.approx(0.8, abs=0.06)
    assert foreseen(3, 150, 0.05) > 2 * foreseen(10, 150, 0.05)
    assert smallest_seen(Effect(0, 0, 0, 1, (0.0,), 0)) is None


def test_the_first_wrong_step_of_a_walk_is_named():
    truth = "Start: a\n1. right: b\n2. front: c\n3. left: d\nEnd: d\nAnswer: d"
    walk = Sample("a", WORLD, "easy", "rollout", [], conversation("?", truth, with_picture=False), {})
    asked = Asked()
    for response in (truth, truth.replace("front: c", "front: x"), "Start: a\n1. right: b"):
        asked.note(walk, response)
    assert first_wrong(walk, "") == 1
    assert (asked.first_wrong, asked.right, asked.steps, asked.answers) == ([0, 2, 2], [3, 2, 1], [3, 3, 3], [1, 1, 0])


def test_the_page_gets_tables_and_figure_between_its_marks(tmp_path):
    asked = recipe(tmp_path, rolls=[4, 5], longer=[7, 8])
    written(asked, 1, {"traces-240": result([1, 0, 1, 0] * 5), "imagery-120": result([1] * 20)})
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_page(page, report(asked), tmp_path / "pictures/headline.png", figure(asked), "a figure")
    assert page.read_text().startswith(f"before\n{BEGIN}\n")
    assert page.read_text().endswith(f"{END}\nafter\n")
    assert f"![a figure](pictures/headline.png)\n\n{report(asked)}" in page.read_text()
    assert "old" not in page.read_text()
    assert (tmp_path / "pictures/headline.png").read_bytes()[1:4] == b"PNG"


def test_what_stands_in_the_docs_is_the_report_of_the_results():
    shown = results_on(ROOT / "docs/pretrained-study.md")
    asked = read_recipe(PretrainedRecipe, HERE / "full.yaml")
    asked = replace(asked, results=str(ROOT / asked.results))
    if not read_results(asked):
        assert "Nothing was run yet" in shown
        return
    for line in report(asked).splitlines():
        assert line in shown, line


def test_the_committed_plan_is_of_the_committed_recipe():
    asked = read_recipe(PretrainedRecipe, HERE / "full.yaml")
    plan = json.loads((ROOT / asked.results / "plan.json").read_text())
    for key in ("seeds", "budgets", "rolls", "longer", "items", "learned", "doses", "lora_rank", "parts"):
        assert plan["recipe"][key] == getattr(asked, key), key
    epochs = {name: Epoch(**epoch) for name, epoch in plan["epochs"].items()}
    assert within(asked, epochs)[1] == plan["hours"]
    assert plan["hours"]["hours"] <= asked.hours[0]
    assert all(one["in_suite"] == 0 for one in plan["data"]["datasets"].values())
