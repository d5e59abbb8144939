"""The study of seeing: its questions, how they are judged, its tables, and a small run of all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.seeing._close import CLOSE, COLOURED, closer
from bench.seeing._questions import SEED, hash_of, held_out, judged, parts_of, unseen
from bench.seeing._recipe import ARMS, HERE, SeeingRecipe
from bench.seeing._report import outcomes, report
from bench.seeing._run import jobs_of, run_study
from bench.study._outcome import read_seeds, weights_hash
from bench.study._page import results_on
from bench.study._statistics import difference
from idf.data import Sample, text_of
from idf.drawing import decode_picture
from idf.drawing.mental_rotation import to_pixels
from idf.imagery import ImageryRecipe, build_imagery
from idf.recipe import read_recipe
from idf.worlds import WORLDS, Walk, split_of
from tests.sentences import line_that_says, refused

RESULTS = HERE.parents[1] / "bench" / "results" / "seeing"
QUESTIONS = [
    "cube_rolling reading",
    *("moving_box reading", "moving_box direction"),
    *("mental_rotation reading", "mental_rotation direction"),
]


IMAGERY = read_recipe(ImageryRecipe, HERE / "imagery.yaml")


def recipe(tmp_path: Path, **changes) -> SeeingRecipe:
    told = {"samples": {"moving_box": 60, "cube_rolling": 40}, "epochs": {"moving_box": 1, "cube_rolling": 2}} | changes
    return SeeingRecipe(str(tmp_path / "work"), str(tmp_path / "results"), **told)


@pytest.fixture(scope="module")
def questions():
    return held_out_of_all(4)


def held_out_of_all(each: int) -> dict:
    return {name: samples for world in IMAGERY.worlds for name, samples in held_out(world, each).items()}


# --- the questions -------------------------------------------------------------------------------------------------


def test_every_question_is_about_a_picture_alone_and_the_same_each_time(questions):
    assert list(questions) == QUESTIONS
    for name, samples in questions.items():
        assert (
            len({(sample.meta["start"], sample.meta["question"], *sample.meta["actions"]) for sample in samples}) == 4
        )
        for sample in samples:
            assert f"{sample.world} {sample.kind}" == name
            assert (sample.meta["mode"], len(sample.images)) == ("vqa", 1)
            assert sample.meta["start"] not in text_of(sample.messages[0])
    again = held_out_of_all(2)
    assert all(again[name] == samples[:2] for name, samples in questions.items())


def test_no_picture_of_the_questions_is_one_of_training(questions, tmp_path):
    # Of training data made by the same recipe, with the same seed: the split alone keeps them apart.
    learned = replace(IMAGERY, samples=120, seed=SEED)
    scenes = {sample.meta["scene"] for sample in build_imagery(learned, tmp_path / "data").samples()}
    asked = {sample.meta["scene"] for samples in questions.values() for sample in samples}
    assert len(scenes) > 60
    assert len(asked) > 12
    assert not scenes & asked
    for sample in (sample for samples in questions.values() for sample in samples):
        world, actions = WORLDS[sample.world], tuple(sample.meta["actions"])
        shown = Walk(sample.world, sample.difficulty, world.read(sample.meta["start"]), actions, "", "", "", "")
        assert split_of(world, world.keys(shown)) == "eval", sample.id


def test_a_picture_that_is_learned_from_is_not_asked_about():
    # Three faces of a cube are hidden: another scene of the other split can look the same, as 18 of 60 once did.
    first = held_out("cube_rolling", 6)["cube_rolling reading"]
    known = {hash_of(sample.images[0]) for sample in first[::2]}
    assert len(known) == 3
    others = held_out("cube_rolling", 6, known)["cube_rolling reading"]
    assert not known & {hash_of(sample.images[0]) for sample in others}
    assert others[:3] == first[1::2]


def test_somebody_who_sees_nothing_says_the_commonest(questions):
    grids = questions["moving_box reading"]
    assert unseen(grids)["commonest"] == 0.25  # four different grids, though all end with a row of walls
    assert 0.6 < unseen(grids)["commonest_parts"] < 1
    assert unseen([grids[0]] * 3) == {"commonest": 1, "commonest_parts": 1}


def test_the_true_answer_is_right_and_a_part_of_it_is_not(questions):
    for samples in questions.values():
        for sample in samples:
            truth = text_of(sample.messages[-1])
            assert judged(sample, truth) == (True, 1.0)
            assert judged(sample, f"{truth}\n") == (True, 1.0)
            assert judged(sample, "") == (False, 0.0)
            assert not judged(sample, truth[:-1])[0]
            assert not judged(sample, f"{truth}\nAnswer: nothing")[0]


def test_the_share_of_parts_counts_cells_faces_and_cubes(questions):
    for world, parts in (("moving_box", 36), ("cube_rolling", 4)):
        sample = questions[f"{world} reading"][0]
        assert len(parts_of(world, sample.meta["answer"])) == parts
    grid = questions["moving_box reading"][0]
    truth = grid.meta["answer"]
    assert judged(grid, ("." if truth[0] == "#" else "#") + truth[1:]) == (False, pytest.approx(35 / 36))
    assert judged(grid, truth.rpartition("\n")[0]) == (False, pytest.approx(30 / 36))
    cubes = questions["mental_rotation reading"][0]
    first, *rest = parts_of("mental_rotation", cubes.meta["answer"])
    assert judged(cubes, "; ".join([f"dark{first}", *rest])) == (False, pytest.approx(len(rest) / (len(rest) + 1)))


# --- a closer look --------------------------------------------------------------------------------------------------


def coloured(picture: np.ndarray) -> int:
    return int((picture.max(2).astype(int) - picture.min(2) > COLOURED).sum())


def drawn(world: str, count: int, folder: Path) -> list[Sample]:
    learned = replace(
        IMAGERY, worlds={world: 1}, kinds={"reading": 1}, max_pixels=CLOSE[world].drawn, samples=count, seed=3
    )
    return list(build_imagery(learned, folder / "drawn").samples())


def test_a_cut_of_a_board_keeps_all_that_is_coloured_pixel_for_pixel(tmp_path):
    close = CLOSE["cube_rolling"]
    for sample in drawn("cube_rolling", 12, tmp_path):
        whole, cut = (decode_picture(one.images[0]) for one in (sample, closer(sample)))
        assert cut.shape == (*close.size[::-1], 3)
        assert coloured(cut) == coloured(whole) > 500
        places = np.lib.stride_tricks.sliding_window_view(whole, cut.shape)[:, :, 0]
        assert any((places[y, x] == cut).all() for y in range(places.shape[0]) for x in range(places.shape[1]))


def test_a_path_that_is_longer_than_the_cut_is_made_smaller():
    picture = np.full((504, 560, 3), 200, np.uint8)
    picture[100:110, 20:540] = (0, 0, 255)
    cut = CLOSE["cube_rolling"].cut(picture, (224, 168))
    assert cut.shape == (168, 224, 3)
    blue = np.flatnonzero((cut[..., 2] > 220).any(0))
    assert blue.min() < 4
    assert blue.max() > 219


def test_a_cut_of_the_views_shows_the_middle_of_each(tmp_path):
    close = CLOSE["mental_rotation"]
    for sample in drawn("mental_rotation", 3, tmp_path):
        whole, cut = (decode_picture(one.images[0]) for one in (sample, closer(sample)))
        assert cut.shape == (112, 224, 3)
        for number in range(8):
            x, y = np.rint(to_pixels(np.zeros(3), number, whole.shape[1::-1])).astype(int)
            row, column = (56 * place + 28 for place in divmod(number, 4))
            near = cut[row - 4 : row + 4, column - 4 : column + 4].reshape(-1, 3).mean(0)
            there = whole[y - 6 : y + 6, x - 6 : x + 6].reshape(-1, 3).mean(0)
            assert np.abs(near - there).max() < 12  # the cube at the origin, which every structure has
    assert all(side % 28 == 0 for side in close.size)


def test_a_grid_stays_as_it_is(questions):
    sample = questions["moving_box reading"][0]
    assert closer(sample) is sample


# --- processes and tables ------------------------------------------------------------------------------------------


def test_each_process_stands_once_and_after_what_it_needs(tmp_path):
    asked = recipe(tmp_path, vision_learning_rate=1e-3)
    jobs = [job for world in asked.samples for job in jobs_of(asked, world)]
    names = [job.name for job in jobs]
    assert len(set(names)) == len(names) == 2 * 2 * 3 * 5
    assert all(set(job.needs) <= set(names[:at]) for at, job in enumerate(jobs))
    for world, epochs in asked.epochs.items():
        for arm, train in ARMS.items():
            (job,) = (job for job in jobs if job.name == f"{world} {arm} seed 2")
            assert {f"train={train}", f"epochs={epochs}"} <= set(job.command)
            assert f"data={tmp_path / 'work' / world / 'data' / 'imagery'}" in job.command
            assert ("vision_learning_rate=0.001" in job.command) == (arm != "frozen")


@pytest.mark.parametrize(
    ("samples", "epochs", "said"),
    [
        ({}, {}, "no world"),
        ({"moving_box": 5}, {"cube_rolling": 1}, "the same worlds"),
        ({"moving_boxes": 5}, {"moving_boxes": 1}, "moving_boxes: it must be one of"),
        ({"moving_box": 0}, {"moving_box": 1}, "samples.moving_box"),
        ({"moving_box": 5}, {"moving_box": 0}, "epochs.moving_box"),
    ],
)
def test_a_recipe_names_a_budget_for_each_world(tmp_path, samples, epochs, said):
    with refused(said):
        recipe(tmp_path, samples=samples, epochs=epochs).check()


def test_some_arms_alone_are_run_and_no_other_is_known(tmp_path):
    some = recipe(tmp_path, arms=["all"], seeds=[1, 2])
    assert [job.name for job in jobs_of(some, "moving_box")][::2] == ["moving_box all seed 1", "moving_box all seed 2"]
    for arms, said in ((["merger"], "merger"), ([], "none")):
        with refused(f"arms names {said}: it must name some of frozen"):
            recipe(tmp_path, arms=arms).check()


def answers(right: str, parts: float) -> dict:
    return {"right": right, "parts": [parts] * len(right), "commonest": 0.25, "commonest_parts": 0.75}


def written(tmp_path: Path, world: str, seed: int, **arms: str) -> None:
    folder = tmp_path / "results" / world
    folder.mkdir(exist_ok=True, parents=True)
    told = {
        arm.replace("_", "+"): {
            "steps": 10,
            "seconds": 120.0,
            "last_loss": 0.5,
            "answers": {f"{world} reading": answers(right, 0.9)},
        }
        for arm, right in arms.items()
    }
    (folder / f"seed{seed}.json").write_text(json.dumps(told))


def test_the_tables_say_what_has_to_learn(tmp_path):
    for seed in (1, 2, 3, 4, 5):
        written(tmp_path, "moving_box", seed, frozen="x" * 8, language_merger=".x" * 4, all="." * 8)
        written(tmp_path, "cube_rolling", seed, frozen="x" * 8, language_merger="x" * 8, all="x" * 8)
    told = report(recipe(tmp_path))
    line_that_says(told, "moving box: 5 of 5 seeds", "1, 2, 3, 4, 5")
    line_that_says(told, "moving box reading", "25% (75%)", "0.0%", "50.0%", "100.0%", "90.0%")
    line_that_says(told, "moving box reading", "read at 95%", "`all`", "language+merger minus frozen +50.0 points", "p")
    line_that_says(told, "cube rolling reading", "no arm reads")
    line_that_says(told, "| moving box, all | 10 | 2.0 | 0.500 |")


def test_p_counts_the_tests_that_are_still_to_come(tmp_path):
    # Of one world alone, all seeds: two tests of ten; each p is multiplied by what Holm makes of ten.
    for seed in (1, 2, 3, 4, 5):
        written(
            tmp_path,
            "moving_box",
            seed,
            frozen="x" * 8,
            language_merger="xxx.xxx"[seed:] + "x" * (seed + 1),
            all="." * 8,
        )
    alone = [difference_of(tmp_path, before, after).p for before, after in zip(ARMS, list(ARMS)[1:], strict=False)]
    told = report(recipe(tmp_path, samples={"moving_box": 60}, epochs={"moving_box": 1}))
    smaller, larger = sorted(alone)
    assert smaller < larger < 1 / 9
    line_that_says(told, f"p {10 * smaller:.3f} after Holm", f"p {max(10 * smaller, 9 * larger):.3f} after Holm")


def difference_of(tmp_path: Path, before: str, after: str):
    found = read_seeds(tmp_path / "results" / "moving_box", [1, 2, 3, 4, 5])
    return difference(*(outcomes(found, arm, "moving_box reading") for arm in (before, after)))


def test_nothing_is_tested_before_the_last_seed(tmp_path):
    with refused("no results", "python -m bench.seeing"):
        report(recipe(tmp_path))
    written(tmp_path, "moving_box", 3, frozen="x.")
    assert "moving box: 0 of 5 seeds" in report(recipe(tmp_path))
    written(tmp_path, "moving_box", 3, frozen="x.", language_merger="..", all="..")
    told = report(recipe(tmp_path))
    line_that_says(told, "moving box: nothing is tested before the last seed")
    line_that_says(told, "cube rolling: 0 of 5 seeds")
    assert ", p " not in told
    found = read_seeds(tmp_path / "results" / "moving_box", [3])
    assert outcomes(found, "frozen", "moving_box reading").tolist() == [[0, 1]]


def test_what_stands_in_the_docs_is_the_report_of_the_results():
    shown = results_on(HERE.parents[1] / "docs" / "seeing-study.md")
    asked = read_recipe(SeeingRecipe, HERE / "full.yaml")
    if not any(read_seeds(RESULTS / world, asked.seeds) for world in asked.samples):
        assert "Nothing was run yet" in shown
        return
    for line in report(replace(asked, results=str(RESULTS))).splitlines():
        assert line in shown, line


# --- a small run ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.full  # its parts are tested one by one
def test_the_whole_study_runs_and_goes_on_where_it_was(tmp_path):
    small = recipe(tmp_path, each=2, seeds=[7], at_once=1)
    said: list[str] = []
    run_study(small, plan_only=False, say=said.append)
    for world, kinds in (("moving_box", 2), ("cube_rolling", 1)):
        (found,) = read_seeds(tmp_path / "results" / world, [7]).values()
        assert set(found) == set(ARMS)
        for arm in ARMS:
            assert list(found[arm]["answers"]) == [name for name in QUESTIONS if name.startswith(world)]
            assert len(found[arm]["answers"]) == kinds
            assert all(len(one["right"]) == 2 for one in found[arm]["answers"].values())
            assert found[arm]["checkpoint"] == weights_hash(
                tmp_path / "work" / world / "runs" / f"{arm}-seed7" / "final"
            )
        facts = json.loads((tmp_path / f"work/{world}/runs/all-seed7/final/idf.json").read_text())
        assert (facts["recipe"]["train"], facts["recipe"]["epochs"]) == ("all", small.epochs[world])
    line_that_says(report(small), "moving box: 1 of 1 seeds")
    said.clear()
    run_study(small, plan_only=False, say=said.append)
    line_that_says(said, "12 of 12 processes", "0 are left")
    with refused("another plan", "recipe"):
        run_study(replace(small, each=3), plan_only=True, say=said.append)
