from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from idf.data import Sample, conversation, open_dataset, write_dataset
from idf.recipe import build_recipe
from idf.scoring import start_answers
from idf.training.rl.pictures import pictures_of
from idf.training.rl.prompts import read_prompts
from idf.training.stage3_recipe import Stage3Recipe
from idf.worlds import problem_from_json
from tests.sentences import refused


def recipe_for(halfway, folder: Path, **changes) -> Stage3Recipe:
    return build_recipe(Stage3Recipe, halfway.recipe(data=str(folder), **changes), "-")


def written(samples: list[Sample], folder: Path) -> Path:
    write_dataset(samples, folder, {"stage": "candidate traces", "recipe": {}, "seed": 0, "source": None})
    return folder


def test_what_the_start_answers_is_dropped_and_counted(halfway):
    prompts = read_prompts(recipe_for(halfway, halfway.problems.path))
    given = list(halfway.problems.samples())
    easy = {i for i, one in enumerate(given) if start_answers(problem_from_json(one.meta["problem"]))}
    assert 0.1 < len(easy) / len(given) < 0.5
    assert not easy & set(prompts.kept)
    assert prompts.dropped == Counter({"the start answers them": len(easy)})
    assert len(prompts) == len(given) - len(easy)
    assert f"{len(easy):,} dropped: the start answers them" in prompts.describe()


def test_copies_of_a_problem_are_asked_once_and_another_way_of_asking_is_another_prompt(halfway, tmp_path):
    one = next(s for s in halfway.problems.samples() if not start_answers(problem_from_json(s.meta["problem"])))
    other = [*one.messages[:-1], {"role": "assistant", "content": [{"type": "text", "text": "Answer: red"}]}]
    asked = conversation("Which colour?", "-", with_picture=bool(one.images))
    samples = [one, replace(one, id="b", messages=other), replace(one, id="c", messages=asked)]
    prompts = read_prompts(recipe_for(halfway, written(samples, tmp_path / "data"), prompts_per_step=1, samples=4))
    assert prompts.kept == (0, 2)
    assert prompts.dropped == Counter({"an earlier sample asks the same": 1})


def test_rows_hold_what_trl_and_the_verdict_need(halfway):
    prompts = read_prompts(recipe_for(halfway, halfway.problems.path))
    rows, given = prompts.rows(28), list(halfway.problems.samples())
    assert len(rows) == len(prompts)
    for at in range(12):
        row, sample = rows[at], given[prompts.kept[at]]
        assert row["id"] == sample.id
        assert [message["role"] for message in row["prompt"]] == ["user"]
        assert row["prompt"][0]["content"] == sample.messages[0]["content"][-1]["text"]
        assert json.loads(row["problem"]) == sample.meta["problem"]
        assert len(row["images"]) == len(sample.images)
        for image in row["images"]:
            assert image.mode == "RGB"
            assert image.size == (112, 112)
    assert rows[0:4]["id"] == [given[i].id for i in prompts.kept[:4]]


def test_a_larger_grid_gets_a_margin(halfway):
    prompts = read_prompts(recipe_for(halfway, halfway.problems.path))
    shown = next(row for row in prompts.rows(32) if row["images"])
    assert shown["images"][0].size == (128, 128)


@pytest.mark.parametrize("what", ["no problem", "broken problem", "large picture", "picture behind text"])
def test_a_sample_that_cannot_be_asked_is_named(halfway, tmp_path, what):
    good = next(s for s in halfway.problems.samples() if s.images)
    limit = 12544
    if what == "no problem":
        bad = replace(good, id="bad", meta={key: value for key, value in good.meta.items() if key != "problem"})
    elif what == "broken problem":
        bad = replace(good, id="bad", meta={**good.meta, "problem": {"world": "cube_rolling"}})
    elif what == "large picture":
        bad, limit = replace(good, id="bad"), 3136
    else:
        asked = [{**good.messages[0], "content": good.messages[0]["content"][::-1]}, *good.messages[1:]]
        bad = replace(good, id="bad", messages=asked)
    folder = written([bad], tmp_path / "data")
    with refused("bad", str(folder)):
        read_prompts(recipe_for(halfway, folder, max_pixels=limit, prompts_per_step=1))


def test_a_dataset_that_asks_too_little_is_refused(halfway, tmp_path):
    easy = [s for s in halfway.problems.samples() if start_answers(problem_from_json(s.meta["problem"]))][:3]
    folder = written(easy, tmp_path / "data")
    with refused("0 of 3", "3 dropped: the start answers them", "prompts_per_step"):
        read_prompts(recipe_for(halfway, folder))


def test_imagery_is_refused_with_what_asks_problems(halfway, tiny):
    with refused(str(tiny.imagery.path), "imagery", "idf traces", "launch/stage3.py"):
        read_prompts(recipe_for(halfway, tiny.imagery.path))


# --- pictures of some rows ---------------------------------------------------------------------------------------

GRIDS = torch.tensor([[1, 2, 2], [1, 2, 4], [1, 4, 4]])
GIVEN = {
    "pixel_values": torch.arange(4 + 8 + 16)[:, None],
    "image_grid_thw": GRIDS,
    "num_images": [1, 0, 2, 0],
    "mm_token_type_ids": torch.arange(4)[:, None],
    "compute_entropy": True,
}


def test_rows_get_their_own_pictures():
    told = pictures_of([2, 3], GIVEN)
    assert told["num_images"] == [2, 0]
    assert told["image_grid_thw"].tolist() == GRIDS[1:].tolist()
    assert told["pixel_values"][:, 0].tolist() == list(range(4, 28))
    assert told["mm_token_type_ids"][:, 0].tolist() == [2, 3]
    assert told["compute_entropy"] is True


def test_rows_may_be_wanted_in_any_order():
    told = pictures_of([2, 1, 0], GIVEN)
    assert told["num_images"] == [2, 0, 1]
    assert told["image_grid_thw"].tolist() == GRIDS[[1, 2, 0]].tolist()
    assert told["pixel_values"][:, 0].tolist() == [*range(4, 28), *range(4)]
    assert told["mm_token_type_ids"][:, 0].tolist() == [2, 1, 0]


def test_rows_without_a_picture_get_none():
    told = pictures_of([1], GIVEN)
    assert told["pixel_values"] is None
    assert told["image_grid_thw"] is None
    assert told["mm_token_type_ids"].tolist() == [[1]]


def test_the_rows_together_have_all_pictures():
    parts = [pictures_of([i], GIVEN)["pixel_values"] for i in range(4)]
    whole = torch.cat([part for part in parts if part is not None])
    assert torch.equal(whole, GIVEN["pixel_values"])
    assert pictures_of(range(4), {"compute_entropy": True}) == {"compute_entropy": True}


def test_the_folder_is_still_a_dataset(halfway):
    assert open_dataset(halfway.problems.path, made_by="-").fingerprint() == halfway.problems.fingerprint()
