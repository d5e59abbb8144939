from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from idf.data import EstimatedTokens, Sample, conversation
from idf.training.flops import shape_of
from idf.training.load import meta_model
from idf.training.recipe import StageRecipe
from idf.training.workload import _estimated, workload_of
from tests.sentences import refused

RECIPE = StageRecipe("imagery", "Qwen/Qwen2.5-VL-7B-Instruct", "-", "-")


def sample(width: int, height: int) -> Sample:
    png = io.BytesIO()
    Image.new("RGB", (width, height)).save(png, "PNG")
    return Sample(
        "one",
        "cube_rolling",
        "easy",
        "rollout",
        [png.getvalue()],
        conversation("Which?", "Red.", with_picture=True),
        {},
    )


@pytest.mark.parametrize(
    ("model", "vision"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", 12 * 8),
        ("Qwen/Qwen2-VL-7B-Instruct", 12 * 8),
        ("Qwen/Qwen3-VL-8B-Instruct", 11 * 7),
    ],
)
def test_a_picture_is_padded_to_the_models_own_grid(model, vision):
    counts = _estimated(sample(336, 224), EstimatedTokens(), RECIPE, shape_of(meta_model(model)))
    assert counts.patches == 4 * vision
    assert counts.patch_pairs == counts.patches**2
    lengths = EstimatedTokens()(sample(336, 224))
    assert counts.tokens == lengths.prompt + lengths.answer + vision
    assert counts.label_tokens == lengths.answer


def test_a_picture_above_max_pixels_is_refused():
    with refused("sample one", "336 x 224", "max_pixels (10000)"):
        _estimated(
            sample(336, 224), EstimatedTokens(), replace(RECIPE, max_pixels=10000), shape_of(meta_model(RECIPE.model))
        )


def test_what_is_counted_exactly_is_what_training_packs(tiny, tmp_path):
    from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, tokens_folder
    from idf.training.encode import Encoder

    recipe = replace(RECIPE, model=str(tiny.model), tokens_per_row=768, rows_per_step=4)
    work = workload_of(recipe, tiny.imagery, shape_of(meta_model(recipe.model)))
    encoder = Encoder(tiny.processor, recipe.tokens_per_row, recipe.max_pixels)
    prepare_tokens(tiny.imagery, encoder, tmp_path, show=False)
    store = TokenStore(tokens_folder(tiny.imagery, encoder, tmp_path))
    facts = PackedRows(tiny.imagery, store, 768, 4, recipe.seed).facts()
    assert (work.counts.tokens, work.counts.label_tokens) == (facts["tokens"], facts["label_tokens"])
    assert work.rows == facts["rows"] - facts["empty_rows"]
    assert work.filled == pytest.approx(facts["filled"])
    assert work.steps == facts["rows"] // 4


def test_the_estimate_comes_near_the_exact_count(tiny):
    exact = workload_of(replace(RECIPE, model=str(tiny.model)), tiny.imagery, shape_of(meta_model(str(tiny.model))))
    estimated = workload_of(RECIPE, tiny.imagery, shape_of(meta_model(RECIPE.model)))
    assert estimated.counts.patches == exact.counts.patches
    assert estimated.counts.tokens == pytest.approx(exact.counts.tokens, rel=0.25)  # the tiny tokenizer splits words
