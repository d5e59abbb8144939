"""Two folders have the same fingerprint only if they would answer alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from idf.backends import adapter_base, weights_fingerprint
from tests.sentences import refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    save_file({"a": torch.arange(4000.0), "b": torch.ones(3, 5)}, model / "model.safetensors")
    return model


def changed(folder: Path, name: str, at: int, by: float) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors[name].view(-1)[at] += by
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("name", "at"), [("a", 0), ("a", 3999), ("b", 0), ("b", 14)])
def test_other_weights_under_the_same_path_are_told_apart(folder, whole, name, at):
    before = weights_fingerprint(str(folder), whole=whole)
    assert weights_fingerprint(str(folder), whole=whole) == before
    changed(folder, name, at, 1.0)
    assert weights_fingerprint(str(folder), whole=whole) != before


def test_the_middle_of_a_large_tensor_counts_only_if_all_is_read(folder):
    edges, whole = weights_fingerprint(str(folder)), weights_fingerprint(str(folder), whole=True)
    changed(folder, "a", 2000, 1.0)
    assert weights_fingerprint(str(folder)) == edges
    assert weights_fingerprint(str(folder), whole=True) != whole


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "chat_template.jinja", "preprocessor_config.json"])
def test_what_decides_over_prompts_counts(folder, name):
    before = weights_fingerprint(str(folder))
    (folder / name).write_text('{"other": 1}')
    assert weights_fingerprint(str(folder)) != before


def test_notes_beside_the_weights_do_not_count(folder):
    before = weights_fingerprint(str(folder))
    (folder / "README.md").write_text("a note")
    (folder / "idf.json").write_text("{}")
    assert weights_fingerprint(str(folder)) == before


def test_adapters_are_told_apart_by_their_base(folder, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(folder)}))
    save_file({"a": torch.ones(2)}, adapter / "adapter_model.safetensors")
    assert adapter_base(adapter) == str(folder)
    before = weights_fingerprint(str(adapter))
    changed(folder, "b", 0, 1.0)
    assert weights_fingerprint(str(adapter)) != before


def test_an_adapter_without_a_base_is_one_sentence(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with refused("adapter_config.json", "base model", "base_model_name_or_path"):
        adapter_base(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"12345678", (1 << 40).to_bytes(8, "little") + b"{}", b"\x02" + bytes(7) + b"[]"]
)
def test_a_broken_file_of_weights_is_named(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    with refused("model.safetensors", "no safetensors file"):
        weights_fingerprint(str(folder))


def test_a_folder_without_weights_is_named(tmp_path):
    with refused(tmp_path, "no weights", "*.safetensors"):
        weights_fingerprint(str(tmp_path))


def test_a_hub_name_stands_for_the_commit_that_loading_would_get(monkeypatch, tmp_path):
    asked = []

    def download(name: str, file: str) -> str:
        asked.append((name, file))
        return str(tmp_path / "snapshots" / "c0ffee" / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert weights_fingerprint("someone/model") == "hub:someone/model@c0ffee"
    assert asked == [("someone/model", "config.json")], "the cache alone may hold a commit that was the newest once"


def test_a_hub_name_that_cannot_be_reached_has_an_unknown_commit(monkeypatch):
    def download(name: str, file: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert weights_fingerprint("someone/no-such-model") == "hub:someone/no-such-model@unknown"


def test_what_is_neither_folder_nor_hub_name_is_one_sentence():
    with refused("no checkpoint", "runs/stage2/final"):
        weights_fingerprint("runs/stage2/final")
