"""The model card of `final/`, read as the Hugging Face Hub reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from idf.recipe import to_plain
from idf.training import card
from idf.training.card import CARD, model_card, renew_card
from idf.training.ranks import Ranks
from idf.training.recipe import StageRecipe
from idf.training.saving import save_checkpoint
from idf.training.whole import FILES, damage

from .checkpoints import HOOK, score

QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"


def facts_of(stage: str, model: str, parent: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    recipe = StageRecipe(stage, model, f"data/{stage}", f"checkpoints/{stage}", hook=HOOK, **changes)
    return {
        "stage": stage,
        "recipe": to_plain(recipe),
        "data": {"folder": recipe.data, "samples": 20000, "fingerprint": "f00", "made": {"stage": stage, "seed": 3}},
        "parent": {"model": model, "revision": None, "stage": parent and parent["stage"], "facts": parent},
        "ranks": 8,
        "versions": {"idf": "0.1.0"},
        "step": 1234,
    }


@pytest.fixture
def final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`final/` of a run, saved as training saves it, of files that are none of ours but for idf.json."""
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    for name in ("checkpoint-2", "final"):
        save_checkpoint(Ranks(), tmp_path, name, weights=_weights, state=None, keep=2, phase=lambda what: None)
    return tmp_path / "final"


def _weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "idf.json").write_text(json.dumps(facts_of("imagery", QWEN)))


def test_the_hub_reads_base_licence_and_stage() -> None:
    read = ModelCard(model_card(facts_of("imagery", QWEN), {}))
    assert read.data.base_model == QWEN
    assert read.data.library_name == "transformers"
    assert (read.data.license, read.data.license_link) == ("other", f"https://huggingface.co/{QWEN}")
    assert {"idf", "imagery"} <= set(read.data.tags)
    assert "its licence holds" in read.text


def test_the_base_of_stage_2_is_what_stage_1_began_from() -> None:
    stage1 = facts_of("imagery", QWEN)
    text = model_card(facts_of("reasoning", "checkpoints/imagery/final", stage1), {})
    assert ModelCard(text).data.base_model == QWEN
    assert "from `checkpoints/imagery/final`" in text


def test_a_base_that_lies_in_a_folder_is_no_name_for_the_hub(tmp_path: Path) -> None:
    for folder in (str(tmp_path), "base"):
        assert ModelCard(model_card(facts_of("imagery", folder), {})).data.base_model is None


def test_recipe_and_data_are_told() -> None:
    facts = facts_of("reasoning", QWEN, learning_rate=3e-6)
    blocks = model_card(facts, {}).split("```yaml\n")[1:]
    made, recipe = (yaml.safe_load(block.split("```")[0]) for block in blocks)
    assert (made, recipe) == (facts["data"]["made"], facts["recipe"])


def test_accuracies_stand_in_a_table_in_the_order_of_steps() -> None:
    found = {"final": {"vtqa": 0.5, "tqa": 0.25}, "checkpoint-100": {"vtqa": 1 / 3}, "checkpoint-20": {"vtqa": 0.0}}
    rows = [line for line in model_card(facts_of("imagery", QWEN), found).splitlines() if line.startswith("|")]
    assert rows == [
        "| checkpoint | vtqa | tqa |",
        "| --- | --- | --- |",
        "| checkpoint-20 | 0.0% |  |",
        "| checkpoint-100 | 33.3% |  |",
        "| final | 50.0% | 25.0% |",
    ]


def test_the_card_is_in_final_alone_and_in_its_list(final: Path) -> None:
    assert not (final.parent / "checkpoint-2" / CARD).exists()
    assert ModelCard.load(final / CARD).data.base_model == QWEN
    assert CARD in json.loads((final / FILES).read_text())
    assert damage(final) is None


def test_what_the_hook_found_of_final_comes_into_the_card(final: Path) -> None:
    assert "No checkpoint of the run was evaluated" in (final / CARD).read_text()
    score(final.parent, "final", vtqa=0.5)
    renew_card(final)
    assert "| final | 50.0% |" in (final / CARD).read_text()
    assert damage(final) is None


def test_a_card_that_somebody_changed_stays(final: Path) -> None:
    (final / CARD).write_text("mine")
    score(final.parent, "final", vtqa=0.5)
    renew_card(final)
    assert (final / CARD).read_text() == "mine"


def test_a_kill_while_the_card_is_renewed_leaves_a_folder_that_is_whole(
    final: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(final.parent, "final", vtqa=0.5)
    work, seen = card.replace_list, []

    def killed(after: int) -> Any:
        def replace_list(folder: Path, listed: Any) -> None:
            seen.append(damage(folder))
            if len(seen) > after:
                raise KeyboardInterrupt
            work(folder, listed)

        return replace_list

    monkeypatch.setattr(card, "replace_list", killed(1))
    with pytest.raises(KeyboardInterrupt):
        renew_card(final)
    assert seen == [None, None]  # before the card is replaced, and after
    assert damage(final) is None
    assert "| final | 50.0% |" in (final / CARD).read_text()
