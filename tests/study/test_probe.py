"""The probe: its items, the forms of the states in between, how answers are judged, and its tables."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice, product
from pathlib import Path

import pytest

from bench.probe._ask import copied, judged, questions
from bench.probe._items import held_out, items, picture_of, sample_of, state_after
from bench.probe._recipe import ARMS, HERE, LEFT, SHOWN, WORLD, ProbeRecipe
from bench.probe._report import report, said, whole_seeds
from bench.probe._run import check_bases, jobs_of
from bench.study._data import Folders
from bench.study._outcome import weights_hash
from bench.study._page import results_on
from bench.study._statistics import Effect
from idf.data import text_of
from idf.drawing import decode_picture
from idf.recipe import read_recipe
from idf.worlds import WORLDS, split_of
from idf.worlds.moving_box import grid
from tests.sentences import line_that_says, refused

RESULTS = HERE.parents[1] / "bench" / "results" / "probe"


def recipe(tmp_path: Path, **changes) -> ProbeRecipe:
    rows = {arm: 1024 for arm in ARMS}
    return ProbeRecipe(str(tmp_path / "work"), str(tmp_path / "results"), "base-{seed}", rows, **changes)


@pytest.fixture(scope="module")
def learned():
    return list(islice(items(7, "train"), 200))


@pytest.fixture(scope="module")
def asked():
    return held_out(1, 6)


# --- items ---------------------------------------------------------------------------------------------------------


def test_no_item_that_is_asked_shows_a_scene_of_training(learned, asked):
    world = WORLDS[WORLD]
    assert {split_of(world, world.keys(item.walk)) for item in learned} == {"train"}
    assert {split_of(world, world.keys(item.walk)) for item in asked} == {"eval"}
    assert len({item.key for item in learned}) == 200


def test_as_many_items_are_asked_for_each_number_of_moves_left(learned, asked):
    assert Counter((item.shown, item.left) for item in asked) == dict.fromkeys(product(SHOWN, LEFT), 2)
    counts = Counter((item.shown, item.left) for item in learned)
    assert counts.keys() == set(product(SHOWN, LEFT))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_states_are_those_that_the_world_steps_through(learned):
    world = WORLDS[WORLD]
    for item in learned[:40]:
        states = world.replay(item.walk.start, item.walk.actions)
        assert [state_after(item.walk, moves).split("\n") for moves in range(len(states))] == [
            [" ".join(row) for row in grid(state)] for state in states
        ]


# --- forms ---------------------------------------------------------------------------------------------------------


def test_the_last_state_is_shown_in_no_form(learned, asked):
    for item in [*learned[:40], *asked]:
        last = len(item.walk.actions)
        for arm in ARMS:
            sample = sample_of(item, arm, 0)
            assert text_of(sample.messages[1]) == item.answer
            assert item.answer not in text_of(sample.messages[0])
            assert picture_of(item, last) not in sample.images


def test_a_state_stands_right_behind_its_move(learned):
    for item in learned[:20]:
        for arm in ("pictures", "blanks"):
            content = sample_of(item, arm, 0).messages[0]["content"]
            behind = [content[place - 1] for place, part in enumerate(content) if part["type"] == "image"][1:]
            assert content[0]["type"] == "image"
            assert [part["text"].splitlines()[-1] for part in behind] == [
                f"{step}. {action}" for step, action in enumerate(item.walk.actions[: item.shown], 1)
            ]


def test_whether_the_box_moves_is_read_off_what_is_left(learned):
    for item in learned[:40]:
        places = [state_after(item.walk, moves) for moves in (item.shown, len(item.walk.actions))]
        boxes = [[at for at, cell in enumerate(one.split()) if cell in "B*"] for one in places]
        assert item.box_moves == (boxes[0] != boxes[1])
    assert {item.box_moves for item in learned} == {True, False}


def test_the_arms_differ_by_the_states_in_between_alone(learned):
    for item in learned[:40]:
        forms = {arm: sample_of(item, arm, 0) for arm in ARMS}
        assert len({form.images[0] for form in forms.values()}) == 1
        pictures = forms["pictures"].images
        assert pictures[1:] == [picture_of(item, moves) for moves in range(1, item.shown + 1)]
        assert [decode_picture(file).shape for file in forms["blanks"].images] == [
            decode_picture(file).shape for file in pictures
        ]
        assert all(decode_picture(file).std() == 0 for file in forms["blanks"].images[1:])
        assert forms["blanks"].messages == forms["pictures"].messages
        said = text_of(forms["text"].messages[0])
        for moves in range(1, item.shown + 1):
            said = said.replace(f"{state_after(item.walk, moves)}\n", "", 1)
        without = text_of(forms["nothing"].messages[0])
        assert said == without == text_of(forms["pictures"].messages[0])
        assert len(forms["nothing"].images) == len(forms["text"].images) == 1


def test_all_arms_are_asked_the_same_items():
    keys = [[sample.meta["key"] for sample in questions(arm, 1)] for arm in ARMS]
    assert len(keys[0]) == len(LEFT)
    assert all(one == keys[0] for one in keys)


def test_an_answer_is_right_in_all_cells_or_not_at_all(asked):
    sample = sample_of(asked[0], "text", 0)
    truth = sample.meta["answer"]
    flipped = ("." if truth[0] == "#" else "#") + truth[1:]
    found = judged([sample] * 4, [truth, f"{truth}\n", flipped, ""])
    assert found["right"] == "..xx"
    assert found["parts"] == [1.0, 1.0, pytest.approx(35 / 36, abs=1e-4), 0.0]
    assert found["walls"] == "..xx"
    assert found["left"] == [asked[0].left] * 4
    assert found["box_moves"] == [asked[0].box_moves] * 4


def test_who_copies_a_state_has_most_cells_and_no_answer(asked):
    samples = [sample_of(item, "text", 0) for item in asked]
    told = copied(samples)
    assert 0.8 < told["start"] < told["last_shown"] < 1
    for key in told:
        assert set(judged(samples, [sample.meta[key] for sample in samples])["right"]) == {"x"}


# --- processes and tables ------------------------------------------------------------------------------------------


def test_each_process_stands_once_and_the_arms_of_a_seed_have_one_base(tmp_path):
    jobs = jobs_of(recipe(tmp_path), Folders(tmp_path / "work"))
    names = [job.name for job in jobs]
    assert len(set(names)) == len(names) == 2 * len(ARMS) * 5
    assert all(set(job.needs) <= set(names[:at]) for at, job in enumerate(jobs))
    for job in jobs:
        if job.name.endswith("seed 2") and not job.needs:
            assert "model=base-2" in job.command


def test_a_recipe_that_names_other_arms_or_one_base_for_all_seeds_is_refused(tmp_path):
    with refused("tokens_per_row", "must name nothing, blanks, pictures, text"):
        ProbeRecipe("work", "results", "base-{seed}", {"text": 3}).check()
    with refused("{seed}"):
        ProbeRecipe("work", "results", "base", dict.fromkeys(ARMS, 3)).check()
    read_recipe(ProbeRecipe, HERE / "full.yaml").check()


def written(tmp_path: Path, seed: int, **arms: str) -> None:
    folder = tmp_path / "results"
    folder.mkdir(exist_ok=True)
    told = {
        arm: {
            "base": "one",
            "right": right,
            "walls": "." * len(right),
            "parts": [0.5] * len(right),
            "left": [1, 2, 3, 4] * (len(right) // 4),
            "box_moves": [True, True, False, False] * (len(right) // 4),
            "copied": {"start": 0.9, "last_shown": 0.95},
            "steps": 10,
        }
        for arm, right in arms.items()
    }
    (folder / f"seed{seed}.json").write_text(json.dumps(told))


def test_the_tables_say_what_a_picture_is_worth(tmp_path):
    for seed in (1, 2, 3, 4, 5):
        written(tmp_path, seed, nothing="x" * 8, blanks="x" * 8, pictures=".xxx.xxx", text="." * 8)
    told = report(recipe(tmp_path))
    line_that_says(told, "| pictures | 100.0% | 0.0% | 0.0% | 0.0% | 50.0% | 25.0%", "100.0% | 50.0% | 10 |")
    line_that_says(told, "who says the start has 90.0%", "95.0%")
    line_that_says(told, "pictures minus blanks", "+25.0 points", "+25 +25 +25 +25 +25")
    line_that_says(told, "text minus pictures", "+75.0 points")


def effect(mean: float, low: float, high: float) -> Effect:
    return Effect(mean=mean, low=low, high=high, p=0.5, seeds=(mean,) * 5, freedom=4)


TEXT_HELPS = effect(0.4, 0.3, 0.5)


@pytest.mark.parametrize(
    ("pictures", "text", "blanks", "words"),
    [
        (effect(0.3, 0.2, 0.4), TEXT_HELPS, 0.4, "is worth while"),
        (effect(0.02, -0.05, 0.09), TEXT_HELPS, 0.4, "no study of predicted pictures follows"),
        (effect(0.08, 0.01, 0.15), TEXT_HELPS, 0.4, "Undecided"),
        (effect(0.12, -0.01, 0.25), TEXT_HELPS, 0.4, "Undecided"),
        (
            effect(0.0, 0.0, 0.0),
            effect(0.02, -0.1, 0.14),
            0.0,
            "the control, do not beat blanks",
        ),  # nothing was learned
        (effect(0.05, 0.01, 0.09), TEXT_HELPS, 0.9, "no room"),
    ],
)
def test_what_follows_from_the_differences(pictures, text, blanks, words):
    assert words in said([pictures, text], blanks)


@pytest.mark.parametrize(("share", "fine"), [(".x", False), ("." * 19 + "x", True)])
def test_a_base_that_does_not_read_is_refused(tmp_path, share, fine):
    asked = ProbeRecipe(
        "work", "results", str(tmp_path / "base-{seed}"), {}, seeds=[3], seeing=str(tmp_path / "seeing")
    )
    with refused("base-3", "python -m bench.seeing"):
        check_bases(asked)
    (tmp_path / "base-3").mkdir()
    (tmp_path / "base-3/idf.json").write_text("{}")
    with refused("no result", "seed 3"):
        check_bases(asked)
    (tmp_path / "seeing").mkdir()
    (tmp_path / "base-3/model.safetensors").write_bytes(b"weights")
    answers = {"answers": {"moving_box reading": {"right": share}}}
    told = {"language+merger": answers | {"checkpoint": weights_hash(tmp_path / "base-3")}}
    (tmp_path / "seeing/seed3.json").write_text(json.dumps(told))
    if fine:
        check_bases(asked)
    else:
        with refused("50%", "95%"):
            check_bases(asked)
    (tmp_path / "base-3/model.safetensors").write_bytes(b"trained once more")
    with refused("another model", "base-3", "results=DIR"):
        check_bases(asked)


def test_nothing_is_tested_before_the_last_seed(tmp_path):
    with refused("no seed", "python -m bench.probe"):
        report(recipe(tmp_path))
    written(tmp_path, 3, nothing="x" * 8, blanks="x" * 8)
    assert whole_seeds(tmp_path / "results", [3]) == {}
    written(tmp_path, 3, nothing="x" * 8, blanks="x" * 8, pictures="." * 8, text="." * 8)
    told = report(recipe(tmp_path))
    line_that_says(told, "Nothing is said before the last seed")
    assert ", p " not in told


def test_what_stands_in_the_docs_is_the_report_of_the_results():
    shown = results_on(HERE.parents[1] / "docs" / "probe-study.md")
    asked = read_recipe(ProbeRecipe, HERE / "full.yaml")
    if not whole_seeds(RESULTS, asked.seeds):
        assert "Nothing was run yet" in shown
        return
    for line in report(asked).splitlines():
        assert line in shown, line
