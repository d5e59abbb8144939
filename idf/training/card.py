"""The model card of `final/`: a README.md with the header that the Hugging Face Hub reads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from idf.errors import UserError

from .checkpoint import read_facts
from .evaluations import evaluated, step_of
from .whole import FILES, hash_file, replace_list

CARD = "README.md"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_STAGES = {
    "imagery": "stage 1, Imagery-Distillation: random walks that spell out every state in between",
    "reasoning": "stage 2, Reasoning-Distillation: traces whose every state replays",
    "reinforcement": "stage 3, reinforcement: answers that the worlds judge",
}


def model_card(facts: Mapping[str, Any], accuracy: Mapping[str, Mapping[str, float]]) -> str:
    """The card of a trained model.

    Args:
        facts: What `idf.json` says.
        accuracy: What the evaluation hook found: name of the checkpoint -> mode -> accuracy as the mean over worlds.
    """
    base = _base(facts)
    on_hub = _HUB_NAME.fullmatch(base) is not None and not Path(base).exists()
    header: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "language": ["en"],
        "license": "other",
        "license_name": "that-of-the-base-model",
    }
    if on_hub:
        header |= {"license_link": f"https://huggingface.co/{base}", "base_model": base}
    header["tags"] = ["idf", "spatial-reasoning", "mental-imagery", facts["stage"]]
    data, recipe = facts["data"], facts["recipe"]
    made = yaml.safe_dump(data.get("made") or {}, sort_keys=False)
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        f"# {Path(recipe['run']).name}",
        f"`{base}` after {_STAGES.get(facts['stage'], facts['stage'])}. {facts['step']:,} optimizer steps, from "
        f"`{recipe['model']}`{', with adapters, merged here' if recipe.get('lora') else ''}. Trained with idf "
        f"{facts['versions']['idf']}, an implementation of the Imagery-Driven Framework of *Imagine in Space* "
        "(arXiv 2511.13782); it is not the authors' model.",
        "## Use\n\n```python\nfrom transformers import AutoModelForImageTextToText, AutoProcessor\n\n"
        'folder = "."  # this folder, or its name on the Hub\n'
        "model = AutoModelForImageTextToText.from_pretrained(folder)\n"
        "processor = AutoProcessor.from_pretrained(folder)\n```",
        f"## Accuracy\n\n{_accuracy(accuracy, recipe['hook'])}",
        f"## Data\n\n{data['samples']:,} samples of `{data['folder']}`, fingerprint `{data['fingerprint']}`. How they were "
        f"made:\n\n```yaml\n{made}```",
        f"## Recipe\n\nOn {facts['ranks']} ranks. `idf reproduce` on this folder prints the commands that made it, from "
        f"`idf.json`, which also has the versions.\n\n```yaml\n{yaml.safe_dump(recipe, sort_keys=False)}```",
        f"## Licence\n\nThe weights are derived from `{base}`: its licence holds for them. Read it before you share them, and "
        "name it in the header above. The data were made by idf (Apache-2.0).",
    ]
    return "\n\n".join(parts) + "\n"


def _base(facts: Mapping[str, Any]) -> str:
    """The model from which the first of the stages began."""
    while (parent := facts["parent"]) and parent.get("facts"):
        facts = parent["facts"]
    base: str = facts["recipe"]["model"]
    return base


def _accuracy(accuracy: Mapping[str, Mapping[str, float]], hook: Mapping[str, Any]) -> str:
    """The table of what the hook found."""
    if not accuracy:
        return "No checkpoint of the run was evaluated when this card was written."
    modes = list(dict.fromkeys(mode for by_mode in accuracy.values() for mode in by_mode))
    lines = [f"| checkpoint | {' | '.join(modes)} |", "| --- " * (len(modes) + 1) + "|"]
    for name in sorted(accuracy, key=step_of):
        cells = [f"{accuracy[name][mode]:.1%}" if mode in accuracy[name] else "" for mode in modes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return (
        "\n".join(lines)
        + "\n\nMean over worlds of the evaluation hook: generated problems that no training data holds, "
        f"{hook['items']} for each world and difficulty, greedy answers of at most {hook['max_new_tokens']:,} tokens. It watches "
        "training; so few problems tell no small difference. `idf-eval` measures in full."
    )


def write_card(folder: Path, run: Path) -> None:
    """Write the card of a finished model; for rank 0 to do, before its files are listed.

    Args:
        folder: The model, with its `idf.json`.
        run: The run, with what its checkpoints were found to know.

    Raises:
        OSError: It cannot be written.
    """
    facts = read_facts(folder)
    if facts is not None:
        (folder / CARD).write_text(model_card(facts, _known(run)), encoding="utf-8")


def renew_card(folder: Path) -> None:
    """Write the card again, with what was found since. One that somebody has changed stays as it is.

    The list of files is without the card meanwhile: killed at any moment, the folder counts as whole.

    Args:
        folder: `final/` of a run.

    Raises:
        OSError: It cannot be written.
    """
    card, listed = folder / CARD, _listed(folder)
    facts = read_facts(folder)
    if facts is None or not card.is_file() or listed.get(CARD, ["", ""])[1] != hash_file(card):
        return
    part = folder / f".{CARD}"
    part.write_text(model_card(facts, _known(folder.parent)), encoding="utf-8")
    entry: list[int | str] = [part.stat().st_size, hash_file(part)]
    replace_list(folder, {name: facts for name, facts in listed.items() if name != CARD})
    os.replace(part, card)
    replace_list(folder, listed | {CARD: entry})


def _listed(folder: Path) -> dict[str, list[int | str]]:
    path = folder / FILES
    listed: dict[str, list[int | str]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return listed


def _known(run: Path) -> dict[str, dict[str, float]]:
    """What is known of the run's checkpoints. Results that cannot be read stop no training, and are told."""
    try:
        return evaluated(run)
    except UserError as error:
        print(f"the model card says no accuracies: {error}", flush=True)
        return {}
