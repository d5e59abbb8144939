from __future__ import annotations

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from idf.training.load import check_model, load_model, load_processor, meta_model, random_model
from idf.training.model import parameter_counts
from idf.training.shapes import SHAPES
from tests.sentences import refused


def test_the_7b_model_has_the_parameters_that_the_paper_trains():
    total, frozen, trainable = parameter_counts(meta_model("Qwen/Qwen2.5-VL-7B-Instruct"))
    assert [round(n / 1e9, 3) for n in (total, frozen, trainable)] == [8.292, 0.677, 7.616]


def test_the_3b_model_counts_its_tied_embeddings_once():
    total, frozen, trainable = parameter_counts(meta_model("Qwen/Qwen2.5-VL-3B-Instruct"))
    assert [round(n / 1e9, 3) for n in (total, frozen, trainable)] == [3.755, 0.669, 3.086]


def test_a_rank_may_count_and_look_at_files_by_itself_while_zero_3_shards_what_is_loaded(tiny):
    from transformers.integrations import HfDeepSpeedConfig, is_deepspeed_zero3_enabled

    alone = parameter_counts(meta_model(str(tiny.model)))
    sharding = HfDeepSpeedConfig({"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": 1})
    assert parameter_counts(meta_model(str(tiny.model))) == alone  # sharded, it would wait for the other ranks
    check_model(str(tiny.model))
    assert is_deepspeed_zero3_enabled()
    del sharding


# Of the published files; where a vision part is given, it was published too.
PUBLISHED = {
    "Qwen/Qwen2-VL-2B-Instruct": (2_208_985_600, None),
    "Qwen/Qwen2-VL-7B-Instruct": (8_291_375_616, None),
    "Qwen/Qwen2.5-VL-3B-Instruct": (3_754_622_976, None),
    "Qwen/Qwen2.5-VL-7B-Instruct": (8_292_166_656, None),
    "Qwen/Qwen2.5-VL-32B-Instruct": (33_452_718_336, None),
    "Qwen/Qwen2.5-VL-72B-Instruct": (73_410_777_344, None),
    "Qwen/Qwen3-VL-2B-Instruct": (2_127_532_032, 407.0e6),
    "Qwen/Qwen3-VL-4B-Instruct": (4_437_815_808, 415.3e6),
    "Qwen/Qwen3-VL-8B-Instruct": (8_767_123_696, 576.4e6),
    "Qwen/Qwen3-VL-32B-Instruct": (33_357_390_064, None),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_known_shape_has_the_parameters_of_the_published_files(name):
    total, frozen, _ = parameter_counts(meta_model(name))
    published, vision = PUBLISHED[name]
    assert total == published
    assert vision is None or frozen == pytest.approx(vision, abs=0.05e6)


def test_a_folder_without_a_processor_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny.model, tmp_path / "model")
    (folder / "preprocessor_config.json").unlink()
    with refused("no processor", "preprocessor_config.json"):
        load_processor(str(folder))


def test_a_folder_that_lacks_weights_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny.model, tmp_path / "model")
    shard = folder / "model-00002-of-00002.safetensors"
    weights = load_file(shard)
    weights.pop("model.norm.weight")
    save_file(weights, shard, metadata={"format": "pt"})
    with refused("lack", "1 weight", "norm"):
        load_model(str(folder), precision="fp32", attention="sdpa")


def test_a_folder_whose_weights_have_other_shapes_than_its_config_says_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny.model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 512}))
    with refused("not fit", "model.language_model.layers.0.mlp.down_proj.weight", "128 x 384", "128 x 512"):
        load_model(str(folder), precision="fp32", attention="sdpa")


def test_stage_2_without_stage_1_says_what_to_run_first():
    with refused("no model", "checkpoints/stage1/none", "stage 2", "launch/stage1.py"):
        load_processor("checkpoints/stage1/none")


def test_a_random_model_has_the_shapes_of_its_config_and_weights_at_its_scale(tiny):
    loaded = load_model(str(tiny.model), precision="fp32", attention="sdpa")
    made = random_model(loaded.config, precision="bf16", attention="eager", device="cpu")
    shapes = [{name: tensor.shape for name, tensor in model.state_dict().items()} for model in (loaded, made)]
    assert shapes[0] == shapes[1]
    weight = made.model.language_model.layers[0].mlp.up_proj.weight
    assert str(weight.dtype) == "torch.bfloat16"
    assert float(weight.detach().float().std()) == pytest.approx(
        loaded.config.get_text_config().initializer_range, rel=0.1
    )
    assert made.config._attn_implementation == "eager"
