"""Folders as a user brings them: what cannot be used is refused by every command in one sentence, before anything is encoded."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from idf.backends import HFBackend, Sampling, check_base, own_head, share_weights
from idf.errors import UserError
from idf.suites import SuiteRecipe, generate_suite
from idf.training.estimate import estimate
from idf.training.layout import read_layout, write_model
from idf.training.load import check_model, load_model, load_processor, meta_model
from idf.training.lora import add_adapters, save_adapter
from idf.training.model import parameter_counts
from idf.training.recipe import LoraRecipe, StageRecipe
from tests.cli.running import evaluate, one_sentence
from tests.cli.running import run as idf
from tests.sentences import refused, says

from .hub_layout import weights
from .running import ROOT, imagery_recipe

SECOND = "model-00002-of-00002.safetensors"


def configure(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change(folder: Path, what: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Other tensors in the second shard; the index stays, as it does in folders that somebody cut by hand."""
    held = load_file(folder / SECOND)
    what(held)
    save_file(held, folder / SECOND, metadata={"format": "pt"})


def quantised(**told: Any) -> Callable[[Path], None]:
    """What the config of a published quantised model says."""
    return lambda folder: configure(folder, quantization_config=told)


def packed(held: dict[str, torch.Tensor]) -> None:
    """A layer as AutoGPTQ packs it: eight weights of 4 bits in one integer."""
    rows, columns = held.pop("model.layers.3.mlp.up_proj.weight").shape
    held["model.layers.3.mlp.up_proj.qweight"] = torch.zeros(columns // 8, rows, dtype=torch.int32)
    held["model.layers.3.mlp.up_proj.scales"] = torch.ones(1, rows, dtype=torch.float16)


def in_fp8(held: dict[str, torch.Tensor]) -> None:
    held["model.layers.3.mlp.up_proj.weight"] = held["model.layers.3.mlp.up_proj.weight"].to(torch.float8_e4m3fn)


def only_bin(folder: Path) -> None:
    torch.save(weights(folder), folder / "pytorch_model.bin")
    for path in (*folder.glob("*.safetensors"), folder / "model.safetensors.index.json"):
        path.unlink()


def cut_off(folder: Path) -> None:
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes()[:-1000])


FAULTS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "awq": (
        quantised(quant_method="awq", bits=4, group_size=128, version="gemm"),
        ("quantised", "awq", "whole weights"),
    ),
    "gptq": (quantised(quant_method="gptq", bits=4, group_size=128, desc_act=False), ("quantised", "gptq")),
    "bitsandbytes": (quantised(load_in_4bit=True, bnb_4bit_quant_type="nf4"), ("quantised", "bitsandbytes", "4bit")),
    "compressed-tensors": (
        quantised(quant_method="compressed-tensors", format="pack-quantized"),
        ("quantised", "compressed-tensors"),
    ),
    "fp8": (quantised(quant_method="fp8", weight_block_size=[128, 128]), ("quantised", "fp8")),
    "gptq that its config does not name": (
        lambda folder: change(folder, packed),
        ("quantised", "model.layers.3.mlp.up_proj.qweight", "I32"),
    ),
    "fp8 that its config does not name": (
        lambda folder: change(folder, in_fp8),
        ("quantised", "model.layers.3.mlp.up_proj.weight", "F8_E4M3"),
    ),
    "only .bin": (only_bin, ("safetensors", "pytorch_model.bin", "save_pretrained")),
    "lacks a weight": (
        lambda folder: change(folder, lambda held: held.pop("model.norm.weight")),  # type: ignore[arg-type,return-value]
        ("lack", "1 weight", "model.language_model.norm.weight"),
    ),
    "lacks a shard": (lambda folder: (folder / SECOND).unlink(), ("lack", SECOND, "index")),
    "a shard cut off": (cut_off, (f"base/{SECOND}", "cut off")),
    "other shapes": (
        lambda folder: configure(folder, intermediate_size=512),
        ("not fit", "model.language_model.layers.0.mlp.gate_proj.weight", "384 x 128", "512 x 128"),
    ),
    "another vocabulary": (
        lambda folder: configure(folder, vocab_size=2048),
        ("not fit", "model.language_model.embed_tokens.weight", "2048 x 128"),
    ),
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "suite"
    generate_suite(SuiteRecipe(items=1, worlds=["cube_rolling"], difficulties=["easy"], max_pixels=12544), folder)
    return folder


@pytest.fixture(scope="module")
def adapter(tiny, tmp_path_factory):
    """Adapters that belong to the tiny model, and were trained."""
    vlm = load_model(str(tiny.model), precision="fp32", attention="sdpa")
    lora = LoraRecipe(rank=2, alpha=4)
    add_adapters(vlm, lora, seed=0)
    with torch.no_grad():
        for name, parameter in vlm.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(0))
    folder = tmp_path_factory.mktemp("base") / "adapter"
    save_adapter(vlm.state_dict(), lora, str(tiny.model), folder)
    return folder


def train(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The story of launch/stage1.py in this process: what it refuses, it refuses before ranks meet."""
    spec = importlib.util.spec_from_file_location("stage1", ROOT / "launch" / "stage1.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(sys, "argv", ["launch/stage1.py", "--recipe", str(recipe)])
    script.main()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_base_that_cannot_be_used_is_refused_in_one_sentence_by_every_command_that_takes_one(
    capsys, monkeypatch, tiny, suite, adapter, tmp_path, fault
):
    spoil, words = FAULTS[fault]
    base = shutil.copytree(tiny.model, tmp_path / "base")
    spoil(base)
    recipe = imagery_recipe(tiny, run=str(tmp_path / "run"), model=str(base))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with refused(*words) as sentence:
        train(tmp_path / "recipe.yaml", monkeypatch)
    assert str(base) in str(sentence.value)
    assert not (tmp_path / "run").exists(), "nothing was encoded"
    assert idf("plan", "--recipe", tmp_path / "recipe.yaml") == 1
    says(one_sentence(capsys, "idf"), *words)
    assert idf("merge", adapter, "--base", base, "--out", tmp_path / "merged") == 1
    says(one_sentence(capsys, "idf"), *words)
    assert evaluate(base, "--suite", suite, "--out", tmp_path / "out") == 1
    says(one_sentence(capsys, "idf-eval"), *words)
    moved = shutil.copytree(adapter, tmp_path / "adapter")
    told = json.loads((moved / "adapter_config.json").read_text())
    (moved / "adapter_config.json").write_text(json.dumps(told | {"base_model_name_or_path": str(base)}))
    assert evaluate(moved, "--suite", suite, "--out", tmp_path / "out") == 1
    says(one_sentence(capsys, "idf-eval"), *words)
    local = ("--teacher", "hf", "--model", base, "max_pixels=12544", "teacher.device=cpu")
    assert idf("traces", "--out", tmp_path / "traces", "--problems", 1, *local) == 1
    says(one_sentence(capsys, "idf"), *words)


def test_a_hub_name_whose_config_says_quantised_is_refused(tiny, tmp_path, monkeypatch):
    # As the cache of the hub holds it after its config was asked for.
    repository = tmp_path / "models--Qwen--Qwen2.5-VL-7B-Instruct-AWQ"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    shutil.copy(tiny.model / "config.json", snapshot / "config.json")
    configure(snapshot, quantization_config={"quant_method": "awq", "bits": 4})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with refused("Qwen/Qwen2.5-VL-7B-Instruct-AWQ", "quantised", "awq"):
        check_model("Qwen/Qwen2.5-VL-7B-Instruct-AWQ")


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("tied", [True, False])
def test_every_familys_folder_is_taken_as_it_lies_on_the_hub(hub, family, tied):
    folder = hub(family, tied=tied, dtype=torch.bfloat16)
    check_base(str(folder))
    vlm = load_model(str(folder), precision="auto", attention="sdpa")
    assert share_weights(vlm) == tied
    assert parameter_counts(vlm)[0] == parameter_counts(meta_model(str(folder)))[0]


def test_the_script_that_others_write_such_folders_with_gives_what_is_taken(tiny, tmp_path):
    script = ROOT.parent / "shared" / "foreign" / "hub_layout.py"
    if not script.exists():
        pytest.skip("hub_layout.py is not beside this checkout; tests/training/hub_layout.py writes the same layout")
    import subprocess

    for more in ([], ["--untied", "--dtype", "bfloat16"]):
        out = tmp_path / f"out{len(more)}"
        done = subprocess.run(
            [sys.executable, str(script), str(tiny.own), str(out), *more], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        check_model(str(out))
        vlm = load_model(str(out), precision="fp32", attention="sdpa")
        assert share_weights(vlm) == (not more)
        load_processor(str(out))


# --- a head of its own -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own(hub, tmp_path_factory):
    """A folder whose config says "tied", and whose files hold a head that is not the embedding."""
    folder = shutil.copytree(hub("qwen2_5_vl", tied=False), tmp_path_factory.mktemp("own") / "base")
    configure(folder, tie_word_embeddings=True)
    assert own_head(folder)
    return folder


def test_a_head_that_differs_from_a_tied_embedding_is_loaded_trained_and_written(own, hub, tmp_path):
    vlm = load_model(str(own), precision="fp32", attention="sdpa")
    plain = load_model(str(hub("qwen2_5_vl", tied=False)), precision="fp32", attention="sdpa")
    for loaded in (vlm, HFBackend(str(own), sampling=Sampling(1), batch_size=1, device="cpu").model):
        assert not share_weights(loaded)
        assert torch.equal(loaded.lm_head.weight, plain.lm_head.weight)
    assert parameter_counts(meta_model(str(own)))[0] == parameter_counts(plain)[0]
    # As ZeRO-3 and adapters hand it over: every tensor a copy of its own.
    gathered = {name: tensor.clone() for name, tensor in vlm.state_dict().items()}
    for name, state in {"own": None, "gathered": gathered}.items():
        write_model(read_layout(str(own)), vlm, tmp_path / name, state)
        written = weights(tmp_path / name)
        assert torch.equal(written["lm_head.weight"], plain.lm_head.weight)
        said = json.loads((tmp_path / name / "config.json").read_text())
        assert said["tie_word_embeddings"] is False


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_a_tied_head_is_written_once_whatever_the_config_says_in_its_text_part(hub, tmp_path, family):
    vlm = load_model(str(hub(family)), precision="fp32", attention="sdpa")
    gathered = {name: tensor.clone() for name, tensor in vlm.state_dict().items()}
    assert "lm_head.weight" in gathered
    write_model(read_layout(str(hub(family))), vlm, tmp_path / "out", gathered)
    assert {name: t.shape for name, t in weights(tmp_path / "out").items()} == {
        name: t.shape for name, t in weights(hub(family)).items()
    }


def test_a_head_that_repeats_a_tied_embedding_is_no_head_of_its_own(tiny, tmp_path):
    folder = shutil.copytree(tiny.model, tmp_path / "base")
    embeddings = weights(folder)["model.embed_tokens.weight"]
    change(folder, lambda held: held.update({"lm_head.weight": embeddings}))
    assert not own_head(folder)
    assert share_weights(load_model(str(folder), precision="fp32", attention="sdpa"))


def test_a_plan_of_a_folder_as_it_lies_on_the_hub(tiny):
    recipe = StageRecipe("imagery", str(tiny.model), str(tiny.imagery.path), "run", device="cpu", gpus=1)
    text = estimate(replace(recipe, precision="fp32", deepspeed=None, tokens_per_row=768, max_pixels=12544)).text
    says(text, "parameters", "frozen", "trainable")


def test_a_folder_without_a_config_is_refused(tmp_path):
    with refused("no model", tmp_path, by=UserError):
        check_model(str(tmp_path))
