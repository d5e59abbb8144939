"""`idf plan` and `--dry-run` of stage 3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from idf.cli.main import main
from idf.recipe import read_recipe
from idf.training.planning import plan
from idf.training.recipe import LoraRecipe
from idf.training.rl.plan import CHOICES, estimate_rollouts, rollout_memory, survey_rollouts
from idf.training.stage3_recipe import Stage3Recipe, VllmRecipe
from tests.sentences import line_that_says, refused, says

RECIPE = Path(__file__).parents[3] / "recipes" / "stage3.yaml"


@pytest.fixture
def recipe(halfway) -> Stage3Recipe:
    """The recipe at 7B, on a dataset that is there."""
    shipped = read_recipe(Stage3Recipe, RECIPE)
    return replace(shipped, model="Qwen/Qwen2.5-VL-7B-Instruct", data=str(halfway.problems.path))


def test_the_shipped_recipe_fits_on_its_gpus(recipe):
    made = plan(recipe)
    assert made.fits, made.advice
    line_that_says(made.text, "8.292 B", "0.677 B frozen", "7.616 B trainable")
    line_that_says(made.text, "problems", "dropped", "the start answers them")
    line_that_says(made.text, "400", "64 problems a step", "8 responses", "4 x 8 devices x 16 accumulated")
    line_that_says(made.text, "drawing", "transformers", "assumed")
    assert [line for line in made.text.splitlines() if line.startswith("* zero2 ")]
    assert "zero3 " not in made.text.partition("preset")[2].partition("* the recipe's")[0]


def test_keys_and_values_of_all_responses_count(recipe):
    """28 layers, 4 key heads of 128, 2 bytes, keys and values: 57,344 bytes a token."""
    known = survey_rollouts(recipe)
    found = rollout_memory(recipe, known, "zero2", 8)
    responses, length = 64 * 8 / 8, known.longest + recipe.max_new_tokens
    cache = responses * length * 2 * 28 * 4 * 128 * 2
    widest = responses * known.longest * 2 * (3 * 18944 + 4 * 3584)
    assert found.rollouts == pytest.approx(cache + widest)
    assert found.pixels == responses * recipe.max_pixels * 72
    assert found.drawing == found.training.weights + found.training.optimizer + found.rollouts + found.pixels
    twice = rollout_memory(replace(recipe, prompts_per_step=128), known, "zero2", 8)
    assert twice.rollouts == pytest.approx(2 * found.rollouts)


def test_a_reference_model_and_vllm_are_counted(recipe):
    known = survey_rollouts(recipe)
    plain = rollout_memory(recipe, known, "zero2", 8)
    with_reference = rollout_memory(replace(recipe, beta=0.01), known, "zero2", 8)
    assert with_reference.peak - plain.peak == pytest.approx(2 * known.size.total)
    served = replace(recipe, vllm=VllmRecipe("server", "http://there:8000"))
    assert rollout_memory(served, known, "zero2", 8).rollouts == 0
    shared = replace(recipe, vllm=VllmRecipe("colocate", gpu_memory=0.5))
    assert not estimate_rollouts(shared).fits
    assert "vLLM takes" in estimate_rollouts(shared).text


def test_adapters_need_less(recipe):
    known = survey_rollouts(replace(recipe, lora=LoraRecipe()))
    for preset in CHOICES[1:]:
        less = rollout_memory(replace(recipe, lora=LoraRecipe()), known, preset, 8).training
        assert less.optimizer < rollout_memory(recipe, survey_rollouts(recipe), preset, 8).training.optimizer / 20 or (
            "offload" in str(preset)
        )


def test_what_does_not_fit_is_said_with_what_would(recipe):
    large = replace(recipe, samples_per_micro_batch=64)
    memory = estimate_rollouts(large).peak / 2**30
    made = estimate_rollouts(large, gpu_memory=memory)
    assert not made.fits
    says(made.advice, "zero2", "GB", "samples_per_micro_batch=")
    changed = next(word for word in made.advice.split() if word.startswith("samples_per_micro_batch="))
    at_once = int(changed.partition("=")[2])
    assert estimate_rollouts(replace(recipe, samples_per_micro_batch=at_once), gpu_memory=memory).fits


def test_the_command_plans_it_and_lengths_are_exact_where_the_processor_is(halfway, tmp_path, capsys):
    import yaml

    path = tmp_path / "stage3.yaml"
    path.write_text(yaml.safe_dump(halfway.recipe()))
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--recipe", str(path), "--gpus", "1"])
    assert not ended.value.code
    out = capsys.readouterr().out
    line_that_says(out, "prompts", "tokens on average", "(exact)")


def test_numbers_of_no_machine_are_refused(recipe):
    with refused("--gpu-memory", "0"):
        estimate_rollouts(recipe, gpu_memory=0)
