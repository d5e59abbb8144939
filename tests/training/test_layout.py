"""Checkpoints lie on disk as their base does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from idf.training.layout import read_layout, write_model
from idf.training.load import load_model
from idf.training.model import freeze_vision
from tests.sentences import refused

from .hub_layout import weights


@pytest.fixture
def trained(tiny) -> Any:
    """A model in which everything that learns has changed."""
    vlm = load_model(str(tiny.model), precision="fp32", attention="sdpa")
    freeze_vision(vlm)
    with torch.no_grad():
        for parameter in vlm.parameters():
            if parameter.requires_grad:
                parameter += 1
    return vlm


def copy_of(model: Path, to: Path, files: dict[str, dict[str, torch.Tensor]]) -> Path:
    """A model folder with other weight files."""
    shutil.copytree(model, to, ignore=shutil.ignore_patterns("*.safetensors", "*.index.json"))
    for name, tensors in files.items():
        save_file(tensors, to / name, metadata={"format": "pt"})
    return to


def write(base: Path, vlm: Any, out: Path, **more: Any) -> Path:
    write_model(read_layout(str(base)), vlm, out, **more)
    return out


def config(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return told


def test_learned_tensors_are_replaced_and_all_else_is_the_bases(tiny, trained, tmp_path):
    write(tiny.model, trained, tmp_path / "out", facts={"step": 3})
    base, written = weights(tiny.model), weights(tmp_path / "out")
    assert written.keys() == base.keys()
    for name, tensor in base.items():
        assert torch.equal(written[name], tensor if name.startswith("visual.") else tensor + 1)
    assert json.loads((tmp_path / "out/idf.json").read_text()) == {"step": 3}
    loaded = load_model(str(tmp_path / "out"), precision="fp32", attention="sdpa").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in trained.state_dict().items())


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_the_files_beside_the_weights_are_the_bases_own(hub, tmp_path, family):
    base = shutil.copytree(hub(family, dtype=torch.bfloat16), tmp_path / "base")
    vlm = load_model(str(base), precision="bf16", attention="sdpa")
    # What lies beside a model and is no part of it; with the third, whatever loads the folder looks for adapters.
    for name in ("idf.json", "files.json", "adapter_config.json", "pytorch_model.bin.index.json"):
        (base / name).write_text("{}")
    out = write(base, vlm, tmp_path / "out")
    source = hub(family, dtype=torch.bfloat16)
    assert {path.name for path in out.iterdir()} == {path.name for path in source.iterdir()}
    for path in source.iterdir():
        if path.name not in ("config.json", "model.safetensors.index.json") and path.suffix != ".safetensors":
            assert (out / path.name).read_bytes() == path.read_bytes(), path.name
    index = [json.loads((f / "model.safetensors.index.json").read_text()) for f in (source, out)]
    assert index[0] == index[1]
    said = config(source)
    assert {key: config(out)[key] for key in said} | {"text_config": 0} == said | {"text_config": 0}


def test_shards_stay_as_they_are_cut(tiny, trained, tmp_path):
    whole = weights(tiny.model)
    names = sorted(whole)
    shards = {"model-00001-of-00002.safetensors": names[:20], "model-00002-of-00002.safetensors": names[20:]}
    base = copy_of(tiny.model, tmp_path / "base", {file: {n: whole[n] for n in part} for file, part in shards.items()})
    where = {name: file for file, part in shards.items() for name in part}
    (base / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    out = write(base, trained, tmp_path / "out")
    for file, part in shards.items():
        assert sorted(load_file(out / file)) == part
    size = sum(path.numel() * 4 for path in whole.values())
    told = json.loads((out / "model.safetensors.index.json").read_text())
    assert told == {"metadata": {"total_size": size}, "weight_map": where}


def test_a_tied_head_that_a_file_repeats_is_replaced_as_well(tiny, trained, tmp_path):
    whole = weights(tiny.model)
    whole["lm_head.weight"] = whole["model.embed_tokens.weight"].clone()
    base = copy_of(tiny.model, tmp_path / "base", {"model.safetensors": whole})
    written = load_file(write(base, trained, tmp_path / "out") / "model.safetensors")
    assert torch.equal(written["lm_head.weight"], whole["lm_head.weight"] + 1)
    assert torch.equal(written["lm_head.weight"], written["model.embed_tokens.weight"])


def test_a_head_of_its_own_is_written_and_the_config_no_longer_says_tied(hub, tmp_path):
    base = shutil.copytree(hub("qwen2_5_vl", tied=False), tmp_path / "base")
    (base / "config.json").write_text(json.dumps(config(base) | {"tie_word_embeddings": True}))
    vlm = load_model(str(base), precision="fp32", attention="sdpa")
    out = write(base, vlm, tmp_path / "out")
    assert torch.equal(weights(out)["lm_head.weight"], weights(base)["lm_head.weight"])
    assert config(out)["tie_word_embeddings"] is False


def test_a_head_that_was_tied_gets_a_place_in_the_last_shard(hub, tmp_path):
    base = hub("qwen3_vl")
    vlm = load_model(str(base), precision="fp32", attention="sdpa")
    vlm.lm_head.weight = torch.nn.Parameter(vlm.lm_head.weight.detach() * 2)
    out = write(base, vlm, tmp_path / "out")
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["weight_map"]["lm_head.weight"] == "model-00002-of-00002.safetensors"
    assert [part["tie_word_embeddings"] for part in (config(out), config(out)["text_config"])] == [False, False]
    again = load_model(str(out), precision="fp32", attention="sdpa")
    assert torch.equal(again.lm_head.weight, 2 * again.model.language_model.embed_tokens.weight)


@pytest.mark.parametrize(("held", "trained_in"), [("bfloat16", "fp32"), ("float32", "bf16")])
def test_weights_have_the_type_that_they_were_trained_in_and_the_config_names_it(hub, tmp_path, held, trained_in):
    base = hub("qwen3_vl", dtype=getattr(torch, held))
    vlm = load_model(str(base), precision=trained_in, attention="sdpa")
    out = write(base, vlm, tmp_path / "out")
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[trained_in]
    assert {tensor.dtype for tensor in weights(out).values()} == {dtype}
    told = config(out)
    said = {told["dtype"], told["torch_dtype"], told["text_config"]["dtype"]}
    assert said == {str(dtype).removeprefix("torch.")}


def test_a_base_without_a_place_for_a_weight_is_refused(tiny, trained, tmp_path):
    whole = weights(tiny.model)
    del whole["model.norm.weight"]
    base = copy_of(tiny.model, tmp_path / "base", {"model.safetensors": whole})
    with refused("no place", "model.language_model.norm.weight"):
        write(base, trained, tmp_path / "out", facts={})
    assert not (tmp_path / "out/idf.json").exists(), "the marker of a whole folder"


def test_a_tensor_that_the_model_does_not_use_is_named_and_not_written(tiny, trained, tmp_path):
    whole = weights(tiny.model) | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(2)}
    base = copy_of(tiny.model, tmp_path / "base", {"model.safetensors": whole})
    assert read_layout(str(base)).unknown_to(trained) == ["model.layers.0.self_attn.rotary_emb.inv_freq"]
    assert weights(write(base, trained, tmp_path / "out")).keys() == weights(tiny.model).keys()
