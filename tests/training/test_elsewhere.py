"""What idf writes is read by transformers 4.57, 5.16 and the newest, and means the same to each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from idf.training.layout import read_layout, write_model
from idf.training.load import load_model
from idf.training.merge import merge_folder

from .elsewhere import read_alike
from .test_merge import write_adapter

pytestmark = pytest.mark.slow

FAMILIES = ("qwen2_5_vl", "qwen2_vl", "qwen3_vl")


def written_by_5(model: Path, out: Path) -> Path:
    """A base that somebody saved with transformers 5, which 4.57 cannot read."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    for kind in (AutoModelForImageTextToText, AutoProcessor):
        kind.from_pretrained(model).save_pretrained(out)
    return out


def trained(base: Path, out: Path, precision: str = "fp32") -> Path:
    """What training on a base writes, all that learns changed."""
    vlm: Any = load_model(str(base), precision=precision, attention="sdpa")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in vlm.named_parameters():
            if "visual" not in name:
                parameter += 0.01 * torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
    write_model(read_layout(str(base)), vlm, out, facts={"step": 1})
    return out


def merged(base: Path, root: Path) -> Path:
    """Adapters on layers and on a tied head, merged: a head of its own, which the base has no place for."""
    adapter = write_adapter(base, root / "adapter", target_modules=["q_proj", "lm_head"])
    merge_folder(adapter, root / "merged", str(base))
    return root / "merged"


@pytest.mark.filterwarnings("ignore")  # peft's of tied weights
def test_three_versions_make_the_same_of_every_folder(hub, tmp_path):
    folders: dict[str, Path] = {}
    for family in FAMILIES:
        base = hub(family)
        folders[f"{family}, idf tiny"] = hub.own(family)
        folders[f"{family}, from the hub"] = trained(base, tmp_path / f"{family}-hub")
        folders[f"{family}, from 5"] = trained(
            written_by_5(hub(family, tied=False), tmp_path / f"{family}-5"), tmp_path / f"{family}-from-5", "bf16"
        )
    folders["merged"] = merged(hub("qwen2_5_vl"), tmp_path)
    told = dict(zip(folders, read_alike(list(folders.values()), tmp_path / "read"), strict=True))
    for name, facts in told.items():
        assert facts["dtype"] == f"torch.{'bfloat16' if 'from 5' in name else 'float32'}", name
        assert facts["rope"] == [10000.0, [6, 5, 5] if "qwen3" in name else [4, 6, 6]], name
        assert facts["tokenizers"][0] == facts["tokenizers"][1], name
        config = json.loads((folders[name] / "config.json").read_text())
        assert config["tie_word_embeddings"] == ("from 5" not in name and name != "merged"), name


@pytest.mark.full  # adapters on the tied heads of the other families, and the base's own tokenizer in each
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_merged_adapters_and_untied_bases_of_every_family_are_read_alike(hub, tmp_path, family, dtype):
    kind = getattr(torch, dtype)
    untied = trained(
        hub(family, tied=False, dtype=kind), tmp_path / "untied", "bf16" if dtype == "bfloat16" else "fp32"
    )
    read_alike([merged(hub(family, dtype=kind), tmp_path), untied], tmp_path / "read")
