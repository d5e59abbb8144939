"""Other versions of transformers, each in an environment of its own, and what they make of folders that idf wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integrations.xtuner_env import VENV, need_environment

from .running import ROOT

FLOOR = Path(os.environ.get("FLOOR_VENV", ROOT / ".venv/floor"))
"""Where launch/floor.sh keeps the oldest transformers that pyproject.toml admits."""

NUMBERS = 1e-5
"""How far logits of two versions may lie apart, relative to the largest. Measured: 9e-7."""


def pythons() -> dict[str, Path]:
    """Name of an environment -> its Python; skips, with the reason, where one is missing, but fails in CI."""
    need_environment()
    floor = FLOOR / "bin/python"
    if not floor.exists():
        reason = f"there is no {floor}: `bash launch/floor.sh` makes it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return {"newest": Path(sys.executable), "floor": floor, "4.57": VENV / "bin/python"}


def read_alike(folders: Sequence[Path], out: Path) -> list[dict[str, Any]]:
    """Let every version read all folders, and assert that each makes the same of them; what they make.

    Args:
        folders: Model folders.
        out: An empty folder.
    """
    told: dict[str, list[dict[str, Any]]] = {}
    for name, python in pythons().items():
        # PYTHONPATH would put the packages of one version before those of another.
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [str(python), str(Path(__file__).with_name("reads.py")), str(out / name), *map(str, folders)]
        done = subprocess.run(
            command, env={**clean, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
        told[name] = [json.loads(line) for line in done.stdout.splitlines()]
    versions = {name: rows[0].pop("transformers") for name, rows in told.items()}
    assert versions["4.57"].startswith("4.57."), versions
    assert versions["floor"].startswith("5.16."), versions
    for number, folder in enumerate(folders):
        newest = told["newest"][number]
        assert newest["lacking"] == []
        logits = {name: dict(np.load(out / name / f"{number}.npz")) for name in told}
        for name, rows in told.items():
            rows[number].pop("transformers", None)
            assert rows[number] == newest, f"{folder} in transformers {versions[name]}"
            for prompt, wanted in logits["newest"].items():
                apart = np.abs(logits[name][prompt] - wanted).max() / np.abs(wanted).max()
                assert apart < NUMBERS, f"{folder}, {prompt}, in transformers {versions[name]}: {apart:.1e} apart"
    return told["newest"]
