"""From a checkpoint's `idf.json` back to the commands that make it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from idf.data import MIXTURE
from idf.errors import UserError

from .checkpoint import read_facts
from .stages import SCRIPTS

LOOP = "round of a loop"
"""The `stage` of data that `idf loop` mixed of a checkpoint's own traces and the oracle's."""


def reproduce(checkpoint: Path) -> str:
    """A shell script that repeats the run of a checkpoint: data, parent runs, training.

    Args:
        checkpoint: A checkpoint folder.

    Raises:
        UserError: The folder is no checkpoint of ours.
    """
    facts = read_facts(checkpoint)
    if facts is None:
        raise UserError(f"{checkpoint} holds no idf.json: name a checkpoint-<step> or final folder that training wrote")
    lines = [
        "#!/usr/bin/env bash",
        f"# Repeats {checkpoint} (step {facts['step']} of its run). Made by `idf reproduce`.",
        *_versions(facts["versions"]),
        "set -euo pipefail",
        *_stage(facts, set()),
    ]
    return "\n".join(lines)


def _versions(all_then: dict[str, str | None]) -> Iterator[str]:
    then = {name: number for name, number in all_then.items() if number is not None}  # the others had no part in it
    yield "# It was made with " + ", ".join(f"{name} {number}" for name, number in then.items()) + "."
    for name, number in then.items():
        try:
            now = version(name)
        except PackageNotFoundError:
            now = "none"
        if now != number:
            yield f"# {name} {now} is installed here: another version may give other digits."


def _stage(facts: dict[str, Any], made: set[str]) -> Iterator[str]:
    """The commands of a stage, its parents first; a dataset that two stages share is made once."""
    recipe, parent = facts["recipe"], facts["parent"]
    if parent["facts"] is not None:
        yield from _stage(parent["facts"], made)
    else:
        revision = f" (revision {parent['revision']})" if parent["revision"] else ""
        yield f"\n# The base model is {parent['model']}{revision}."
    folder = facts["data"]["folder"]
    if folder not in made:
        made.add(folder)
        yield from _data(facts["data"])
    name = f"{facts['stage']}-stage.yaml"
    yield f"\n# {facts['stage'].capitalize()}-Distillation on {facts['ranks']} ranks."
    if facts.get("engine", "idf") != "idf":
        yield f"# It was trained by {facts['engine']}; idf's own engine takes the same steps (docs/xtuner.md)."
    yield _here_document(name, recipe)
    ranks = facts["ranks"]
    yield f"torchrun --nproc_per_node {ranks} {SCRIPTS[facts['stage']]} --recipe {name}" + (
        "  # or over several nodes, see docs/cluster.md" if ranks > 8 else ""
    )


def _data(data: dict[str, Any]) -> Iterator[str]:
    made, folder = data["made"], shlex.quote(data["folder"])
    yield f"\n# {data['samples']:,} samples; their fingerprint must be {data['fingerprint']}."
    if made["stage"] == MIXTURE:
        for part in made["source"]:
            yield from _data(part)
        parts = " ".join(shlex.quote(f"{part['folder']}:{part['times']}") for part in made["source"])
        yield f"idf mix {parts} --seed {made['seed']} --out {folder}"
    elif made["stage"] == LOOP:
        yield "# A round of a loop made them; the whole loop is repeated, which trains its checkpoints as well."
        yield _here_document("loop.yaml", made["recipe"])
        yield "idf loop --recipe loop.yaml"
    elif made["source"] is None:
        command = "imagery" if made["stage"] == "imagery" else "traces"
        yield _here_document(f"{command}.yaml", made["recipe"])
        yield f"idf {command} --recipe {command}.yaml --out {folder}"
    else:
        source = shlex.quote(made["source"]["folder"])
        yield _here_document("traces.yaml", made["source"]["recipe"])
        yield f"idf traces --recipe traces.yaml --out {source}"
        yield _here_document("filter.yaml", made["recipe"])
        yield f"idf filter {source} --recipe filter.yaml --out {folder}"
    yield (
        "python -c 'from pathlib import Path; from idf.data import open_dataset; import sys; "
        f'found = open_dataset(Path(sys.argv[1]), made_by="the command above").fingerprint(); '
        f'sys.exit(None if found == sys.argv[2] else "these are other data: " + found)\' {folder} {data["fingerprint"]}'
    )


def _here_document(name: str, recipe: dict[str, Any]) -> str:
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    return f"cat > {name} <<'END_OF_RECIPE'\n{text}END_OF_RECIPE"
