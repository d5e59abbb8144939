"""What transformers 4.57 is given to read; that it reads it is tested in XTuner's environment (tests/integrations)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idf.training import versions


@pytest.fixture
def under_4(monkeypatch):
    monkeypatch.setattr(versions, "major", lambda: 4)


@pytest.fixture
def five(tiny, tmp_path) -> Path:
    """The tiny model as transformers 5 itself writes it."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    for kind in (AutoModelForImageTextToText, AutoProcessor):
        kind.from_pretrained(tiny.model).save_pretrained(tmp_path / "five")
    return tmp_path / "five"


def test_under_transformers_5_a_model_is_read_where_it_lies(five):
    with versions.readable(str(five)) as source:
        assert source == str(five)


def test_under_transformers_4_a_folder_of_5_is_told_in_both_forms(under_4, five):
    with versions.readable(str(five)) as source:
        links = Path(source)
        assert {path.name for path in links.iterdir()} > {path.name for path in five.iterdir()}
        assert (links / "model.safetensors").samefile(five / "model.safetensors")
        text = json.loads((links / "config.json").read_text())["text_config"]
        assert text["rope_theta"] == 10000.0
        assert text["rope_scaling"]["mrope_section"] == [4, 6, 6]
        tokenizer = json.loads((links / "tokenizer_config.json").read_text())
        assert "<|image_pad|>" in tokenizer["additional_special_tokens"]
        assert "extra_special_tokens" not in tokenizer
    assert not links.exists()
    assert "rope_theta" not in json.loads((five / "config.json").read_text())["text_config"]


def test_under_transformers_4_a_name_on_the_hub_and_an_older_folder_stay_as_they_are(under_4, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"text_config": {"rope_theta": 1e6}}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"additional_special_tokens": []}))
    for name in (str(tmp_path), "Qwen/Qwen2.5-VL-7B-Instruct"):
        with versions.readable(name) as source:
            assert source == name
