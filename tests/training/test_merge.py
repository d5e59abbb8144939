"""Merging what peft wrote into bases as they lie on the hub: the result says what both say, or nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from idf.backends import HFBackend, Sampling, merge_adapters, share_weights
from idf.training.load import load_model
from tests.cli.running import evaluate, one_sentence
from tests.cli.running import run as idf
from tests.sentences import refused, says

from .hub_layout import weights

LAYERS = r".*language_model\.layers\.\d+\.self_attn\.[qv]_proj"
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"target_modules": LAYERS},
    "head": {"target_modules": ["q_proj", "lm_head"]},
    "embedding": {"target_modules": ["q_proj", "embed_tokens"]},
    "both": {"target_modules": ["q_proj", "lm_head", "embed_tokens"]},
    "both, one adapter": {"target_modules": ["q_proj", "embed_tokens", "lm_head"], "ensure_weight_tying": True},
    "dora on the head": {"target_modules": ["q_proj", "lm_head"], "use_dora": True},
    "rslora, ranks": {"target_modules": LAYERS, "use_rslora": True, "rank_pattern": {"v_proj": 8}},
    "biases": {"target_modules": LAYERS, "bias": "lora_only"},
    "whole head": {"target_modules": LAYERS, "modules_to_save": ["lm_head"]},
    "whole embedding": {"target_modules": LAYERS, "modules_to_save": ["embed_tokens"]},
    "whole merger": {"target_modules": LAYERS, "modules_to_save": ["merger"]},
    "some tokens": {"target_modules": LAYERS, "trainable_token_indices": [5, 6, 7]},
    "tower": {"target_modules": r".*visual\.blocks\.\d+\.attn\.(qkv|proj)"},
}
SPLIT = {"head", "embedding", "both", "dora on the head", "whole head", "whole embedding"}
"""What makes two tensors of a tied one: head and embedding are no longer the same numbers."""


def ask(vlm: Any) -> torch.Tensor:
    """Logits of some tokens, those of KINDS among them, and a picture."""
    vision = vlm.config.vision_config
    side = 2 * vision.spatial_merge_size
    image = vlm.config.image_token_id
    ids = torch.tensor([[*range(3, 40), vlm.config.vision_start_token_id, *[image] * 4, *range(60, 90)]])
    values = 3 * vision.temporal_patch_size * vision.patch_size**2
    picture = torch.linspace(-1, 1, side * side * values).reshape(side * side, values).to(vlm.dtype)
    with torch.no_grad():
        return vlm.eval()(
            input_ids=ids,
            mm_token_type_ids=(ids == image).int(),
            pixel_values=picture,
            image_grid_thw=torch.tensor([[1, side, side]]),
        ).logits.float()


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def write_adapter(base: Path, folder: Path, **kind: Any) -> Path:
    """A folder of adapters as peft writes it, with other numbers in all that learns."""
    from peft import LoraConfig, get_peft_model

    vlm = load_model(str(base), precision="auto", attention="sdpa")
    wrapped = get_peft_model(vlm, LoraConfig(r=4, lora_alpha=8, **kind))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in wrapped.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    wrapped.save_pretrained(folder)
    return folder


def said_by_peft(base: Path, adapter: Path) -> torch.Tensor:
    from peft import PeftModel

    vlm = load_model(str(base), precision="auto", attention="sdpa")
    wrapped = PeftModel.from_pretrained(vlm, str(adapter), torch_device="cpu").eval()
    return ask(wrapped.base_model.model)


CASES = [
    *(pytest.param("qwen2_5_vl", True, kind, id=f"qwen2_5_vl-tied-{kind}") for kind in KINDS),
    pytest.param("qwen3_vl", True, "head", id="qwen3_vl-tied-head"),
    pytest.param("qwen2_vl", False, "both", id="qwen2_vl-untied-both"),
]
MORE = [
    pytest.param(family, tied, kind, marks=pytest.mark.full, id=f"{family}-{'tied' if tied else 'untied'}-{kind}")
    for family in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
    for tied in (True, False)
    for kind in KINDS
    if (family, tied, kind) not in {case.values for case in CASES} and not (not tied and kind == "both, one adapter")
]


@pytest.mark.filterwarnings("ignore")  # peft's of tied weights
@pytest.mark.parametrize(("family", "tied", "kind"), [*CASES, *MORE])
def test_merged_folder_and_backend_say_what_peft_says_with_the_adapters(hub, tmp_path, family, tied, kind):
    base = hub(family, tied=tied)
    adapter = write_adapter(base, tmp_path / "adapter", **KINDS[kind])
    wanted = said_by_peft(base, adapter)
    assert difference(ask(load_model(str(base), precision="auto", attention="sdpa")), wanted) > 1e-3, (
        "they do something"
    )
    assert idf("merge", adapter, "--base", base, "--out", tmp_path / "merged") == 0
    merged = load_model(str(tmp_path / "merged"), precision="auto", attention="sdpa")
    assert difference(ask(merged), wanted) < 1e-5
    backend = HFBackend(str(adapter), sampling=Sampling(1), batch_size=1, device="cpu")
    assert difference(ask(backend.model), wanted) < 1e-5
    one = tied and kind not in SPLIT
    assert share_weights(merged) == one
    assert share_weights(backend.model) == one
    assert ("lm_head.weight" in weights(tmp_path / "merged")) == (not one)
    said = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert said["tie_word_embeddings"] is one
    if family == "qwen3_vl":  # a reader that goes by either of them would drop the head
        assert said["text_config"]["tie_word_embeddings"] is one


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["plain", "head", "embedding", "whole head", "some tokens"])
def test_in_bf16_the_merged_model_differs_by_rounding_alone(hub, tmp_path, kind):
    base = hub("qwen2_5_vl", dtype=torch.bfloat16)
    adapter = write_adapter(base, tmp_path / "adapter", **KINDS[kind])
    assert idf("merge", adapter, "--base", base, "--out", tmp_path / "merged") == 0
    assert {tensor.dtype for tensor in weights(tmp_path / "merged").values()} == {torch.bfloat16}
    merged = load_model(str(tmp_path / "merged"), precision="auto", attention="sdpa")
    assert difference(ask(merged), said_by_peft(base, adapter)) < 2.0**-4


def test_a_layer_that_would_say_something_else_is_named_and_nothing_is_written(capsys, hub, tmp_path, monkeypatch):
    from peft.tuners.lora import Linear

    base = hub("qwen2_5_vl")
    adapter = write_adapter(base, tmp_path / "adapter", **KINDS["plain"])
    right = Linear.get_delta_weight
    monkeypatch.setattr(Linear, "get_delta_weight", lambda self, name: right(self, name) * 1.01)
    layer = "model.language_model.layers.0.self_attn.q_proj"
    assert idf("merge", adapter, "--base", base, "--out", tmp_path / "merged") == 1
    says(one_sentence(capsys, "idf"), layer, adapter, base, "off by", "rounding")
    assert not (tmp_path / "merged").exists()
    with refused(layer, adapter, base, "off by", "rounding"):
        HFBackend(str(adapter), sampling=Sampling(1), batch_size=1, device="cpu")


def test_head_and_embedding_are_watched_even_if_no_adapter_sits_on_them(hub, tmp_path, monkeypatch):
    # What peft does to the other one of two tied layers, if their tensor is not split.
    import idf.backends._adapters as ours

    base = hub("qwen2_5_vl")
    adapter = write_adapter(base, tmp_path / "adapter", target_modules=["lm_head"])
    monkeypatch.setattr(ours, "_split_shared", lambda model, adapted: None)
    vlm = load_model(str(base), precision="fp32", attention="sdpa")
    with refused("model.language_model.embed_tokens", adapter, "off by"):
        merge_adapters(vlm, adapter, str(base))


def test_idf_eval_takes_adapters_on_a_tied_head(hub, tmp_path):
    from idf.suites import SuiteRecipe, generate_suite

    base = hub("qwen2_5_vl")
    adapter = write_adapter(base, tmp_path / "adapter", **KINDS["head"])
    told = json.loads((adapter / "adapter_config.json").read_text())
    assert told["base_model_name_or_path"] == str(base)
    generate_suite(
        SuiteRecipe(items=1, worlds=["cube_rolling"], difficulties=["easy"], max_pixels=12544), tmp_path / "s"
    )
    options = ("--suite", tmp_path / "s", "--modes", "tqa", "--max-new-tokens", 4, "--out", tmp_path / "out")
    assert evaluate(adapter, *options) == 0
