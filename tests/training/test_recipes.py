"""Every recipe of a training stage: it is read, its rows divide, and by the plan it fits where it promises to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from idf.data import DatasetFolder, open_dataset
from idf.imagery import ImageryRecipe, build_imagery
from idf.recipe import read_recipe
from idf.training.estimate import Estimate, estimate
from idf.training.load import meta_model
from idf.training.recipe import StageRecipe
from idf.training.shapes import SHAPES
from tests.sentences import says

ROOT = Path(__file__).parents[2] / "recipes"
STAGES = sorted(  # stage 3's: rl/test_plan.py
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.yaml")
    if yaml.safe_load(path.read_text()).get("stage") in ("imagery", "reasoning")
)
# Folder -> number of GPUs and GiB of each.
PROMISED = {
    ".": (8, 80),
    "1gpu-141gb": (1, 141),
    "1gpu-80gb": (1, 80),
    "2nodes": (16, 80),
    "32b": (16, 80),
    "3b": (1, 80),
    "4nodes": (32, 80),
    "72b": (32, 80),
    "lora-24gb": (1, 24),
    "quickstart": (2, 80),
    "qwen2-vl-7b": (8, 80),
    "qwen3-vl-8b": (8, 80),
}
SMALL = "quickstart"
"""The folder of recipes for a tiny model of our own."""


def read(name: str) -> StageRecipe:
    return read_recipe(StageRecipe, ROOT / name)


def base(name: str) -> str:
    """The base model of a recipe: stage 2 begins from what stage 1 made of it."""
    return read((Path(name).parent / "stage1.yaml").as_posix()).model


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """A few samples with pictures of the largest size that every recipe takes."""
    folder = tmp_path_factory.mktemp("recipes") / "imagery"
    build_imagery(ImageryRecipe(samples=10, max_pixels=401408), folder)
    return open_dataset(folder, made_by="-")


def planned(name: str, tiny, pictures: DatasetFolder, **changes) -> Estimate:
    gpus, memory = PROMISED[Path(name).parent.as_posix()]
    small = name.startswith(SMALL)
    model, data = (str(tiny.model), tiny.imagery.path) if small else (base(name), pictures.path)
    return estimate(replace(read(name), model=model, data=str(data), any_data=True, gpus=gpus, **changes), memory)


@pytest.mark.parametrize("name", STAGES)
def test_a_recipe_is_meant_for_the_gpus_that_its_folder_promises_and_its_rows_divide(name):
    recipe = read(name)
    assert recipe.gpus == PROMISED[Path(name).parent.as_posix()][0]
    assert recipe.accumulation_steps(recipe.gpus) >= 1


@pytest.mark.parametrize("name", STAGES)
def test_a_recipe_fits_where_it_promises(name, tiny, pictures):
    made = planned(name, tiny, pictures)
    assert made.fits, made.advice


@pytest.mark.parametrize("name", [name for name in STAGES if not name.startswith(SMALL)])
def test_a_recipe_begins_with_two_lines_that_say_what_it_is_for(name):
    first, second, *_ = (ROOT / name).read_text().splitlines()
    assert first.startswith(f"# Stage {name[-6]}, ")
    assert second.startswith("# ")
    assert max(len(first), len(second)) <= 130


@pytest.mark.parametrize("folder", PROMISED)
def test_stage_2_goes_on_from_stage_1(folder):
    first, second = (read(f"{folder}/stage{n}.yaml") for n in (1, 2))
    assert second.model == f"{first.run}/final"
    assert (first.lora, first.deepspeed, first.tokens_per_row) == (second.lora, second.deepspeed, second.tokens_per_row)


def test_no_recipe_is_without_a_promise():
    assert {Path(name).parent.as_posix() for name in STAGES} == set(PROMISED)
    assert len(STAGES) == 2 * len(PROMISED)


def test_every_base_model_has_a_known_shape():
    assert {base(name) for name in STAGES if not name.startswith(SMALL)} <= set(SHAPES)


def test_recipes_with_adapters_learn_faster():
    for name in STAGES:
        recipe = read(name)
        if recipe.device == "gpu":
            assert recipe.learning_rate == (1e-4 if recipe.lora else 1e-5), name


def test_the_h200_needs_zero_3(tiny, pictures):
    made = planned("1gpu-141gb/stage1.yaml", tiny, pictures, deepspeed="zero2")
    assert not made.fits
    says(made.advice, "optimizer's step", "fits with", "deepspeed=zero3")


def test_the_7b_model_does_not_fit_in_24_gb_without_its_adapters(tiny, pictures):
    assert not planned("lora-24gb/stage1.yaml", tiny, pictures, lora=None).fits


def test_a_meta_model_takes_no_memory():
    assert all(parameter.device.type == "meta" for parameter in meta_model("Qwen/Qwen2.5-VL-72B-Instruct").parameters())
