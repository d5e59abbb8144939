from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from idf.training.load import load_model
from idf.training.model import freeze_vision
from idf.training.overlay import overlay
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


def test_learned_tensors_are_replaced_and_all_else_is_the_bases(tiny, trained, tmp_path):
    overlay(tiny.model, trained, {"step": 3}, tmp_path)
    base, written = weights(tiny.model), weights(tmp_path)
    assert written.keys() == base.keys()
    for name, tensor in base.items():
        assert torch.equal(written[name], tensor if name.startswith("visual.") else tensor + 1)
    assert json.loads((tmp_path / "idf.json").read_text()) == {"step": 3}
    loaded = load_model(str(tmp_path), precision="fp32", attention="sdpa").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in trained.state_dict().items())


def test_shards_stay_as_they_are_cut(tiny, trained, tmp_path):
    whole = weights(tiny.model)
    names = sorted(whole)
    shards = {"model-1.safetensors": names[:20], "model-2.safetensors": names[20:]}
    base = copy_of(tiny.model, tmp_path / "base", {file: {n: whole[n] for n in part} for file, part in shards.items()})
    (base / "model.safetensors.index.json").write_text("{}")
    (base / "idf.json").write_text('{"of": "the parent"}')
    (tmp_path / "out").mkdir()
    overlay(base, trained, {"step": 1}, tmp_path / "out")
    for file, part in shards.items():
        assert sorted(load_file(tmp_path / "out" / file)) == part
    assert (tmp_path / "out/model.safetensors.index.json").read_text() == "{}"
    assert json.loads((tmp_path / "out/idf.json").read_text()) == {"step": 1}


def test_a_tied_head_that_a_file_repeats_is_replaced_as_well(tiny, trained, tmp_path):
    whole = weights(tiny.model)
    whole["lm_head.weight"] = whole["model.embed_tokens.weight"].clone()
    base = copy_of(tiny.model, tmp_path / "base", {"model.safetensors": whole})
    (tmp_path / "out").mkdir()
    overlay(base, trained, {}, tmp_path / "out")
    written = load_file(tmp_path / "out/model.safetensors")
    assert torch.equal(written["lm_head.weight"], whole["lm_head.weight"] + 1)
    assert torch.equal(written["lm_head.weight"], written["model.embed_tokens.weight"])


def test_a_head_of_its_own_is_written_and_the_config_no_longer_says_tied(hub, tmp_path):
    base = shutil.copytree(hub("qwen2_5_vl", tied=False), tmp_path / "base")
    config = json.loads((base / "config.json").read_text()) | {"tie_word_embeddings": True}
    (base / "config.json").write_text(json.dumps(config))
    vlm = load_model(str(base), precision="fp32", attention="sdpa")
    freeze_vision(vlm)
    (tmp_path / "out").mkdir()
    overlay(base, vlm, {}, tmp_path / "out")
    assert torch.equal(weights(tmp_path / "out")["lm_head.weight"], weights(base)["lm_head.weight"])
    assert json.loads((tmp_path / "out/config.json").read_text()) == config | {"tie_word_embeddings": False}


def test_weights_keep_the_dtype_that_the_config_names(tiny, trained, tmp_path):
    whole = {name: tensor.bfloat16() for name, tensor in weights(tiny.model).items()}
    base = copy_of(tiny.model, tmp_path / "base", {"model.safetensors": whole})
    (tmp_path / "out").mkdir()
    overlay(base, trained, {}, tmp_path / "out")
    assert {tensor.dtype for tensor in load_file(tmp_path / "out/model.safetensors").values()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("model.norm.weight"), ("no place", "model.language_model.norm.weight")),
        (lambda w: w.update({"model.more.weight": torch.zeros(2)}), ("model.more.weight", "trained model", "not")),
        (lambda w: w.update({"model.norm.weight": torch.zeros(3)}), ("norm.weight", "(3,) in the base", "(128,)")),
    ],
)
def test_a_base_with_other_tensors_is_refused(tiny, trained, tmp_path, change, said):
    whole = weights(tiny.model)
    change(whole)
    base = copy_of(tiny.model, tmp_path / "base", {"model.safetensors": whole})
    (tmp_path / "out").mkdir()
    with refused(*said):
        overlay(base, trained, {}, tmp_path / "out")
    assert not (tmp_path / "out/idf.json").exists(), "the marker of a whole folder"
