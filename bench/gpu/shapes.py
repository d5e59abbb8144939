"""Models of real shapes, or of tiny ones that a CPU can train, with random weights."""

from __future__ import annotations

from typing import Any

from settings import MODELS, TRAININGS, Training

from idf.training.load import meta_model
from idf.training.recipe import HookRecipe, LoraRecipe, StageRecipe

TINY_VOCABULARY = 1024


def config_of(model: str, tiny: bool) -> Any:
    """The configuration of a key of MODELS, or one of the same layout that a CPU can train."""
    config = meta_model(MODELS[model]).config
    if tiny:
        text, vision = config.text_config, config.vision_config
        text.hidden_size, text.intermediate_size, text.num_hidden_layers = 64, 128, 2
        text.vocab_size = TINY_VOCABULARY
        text.num_attention_heads, text.num_key_value_heads, text.layer_types = 2, 1, text.layer_types[:2]
        text.rope_parameters["mrope_section"] = [4, 6, 6]
        vision.hidden_size, vision.intermediate_size, vision.depth, vision.num_heads = 32, 64, 2, 2
        vision.out_hidden_size, vision.fullatt_block_indexes = 64, [1]
        config.image_token_id = TINY_VOCABULARY - 23
    return config


def recipe_of(training: Training, tokens_per_row: int, rows_per_step: int) -> StageRecipe:
    """A stage's recipe for what is trained, checked."""
    recipe = StageRecipe(
        stage="imagery",
        model=MODELS[training.model],
        data="-",
        run="-",
        device="cpu" if training.cpu else "gpu",
        gpus=1,
        precision="fp32" if training.cpu else "bf16",  # DeepSpeed on a CPU wants fp32
        deepspeed=training.deepspeed,
        attention=training.attention,  # type: ignore[arg-type]
        tokens_per_row=tokens_per_row,
        rows_per_micro_batch=training.rows,
        rows_per_step=rows_per_step,
        lora=LoraRecipe() if training.lora else None,
        wandb=False,
        hook=HookRecipe(mode="off"),
    )
    recipe.check()
    return recipe


def plans(row_lengths: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """GiB that `idf plan` works out for each of TRAININGS on one GPU, by row length."""
    from idf.training.flops import shape_of
    from idf.training.memory import memory_of, size_of

    found: dict[str, dict[str, float]] = {}
    for name, training in TRAININGS.items():
        vlm = meta_model(MODELS[training.model])
        shape = shape_of(vlm)
        found[name] = {}
        for length in row_lengths:
            recipe = recipe_of(training, length, 1)
            size = size_of(vlm, shape, recipe.lora.rank if recipe.lora else None)
            peak = memory_of(recipe, shape, size, recipe.deepspeed, 1).peak
            found[name][str(length)] = round(peak / 2**30, 1)
    return found
