"""Extras that pip cannot resolve do not stand in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOGETHER = (
    "hf",
    "train",
    "rl",
    "ray",
    "vllm",
    "env",
    "harnesses",
    "smollm2",
    "docs",
    "all",
    "test",
    "test,harnesses",
    "train,vllm",
)


def test_every_extra_is_resolved() -> None:
    text = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    named = set(re.findall(r"^(\w+) = \[", text, re.MULTILINE))
    assert named == {extra for extras in TOGETHER for extra in extras.split(",")}


@pytest.mark.full
@pytest.mark.parametrize("extras", TOGETHER)
def test_the_newest_packages_fit_together(extras: str, tmp_path: Path) -> None:
    """By uv, which reads the metadata alone where `pip install --dry-run` downloads gigabytes."""
    chosen = [word for extra in extras.split(",") for word in ("--extra", extra)]
    out = tmp_path / "resolved.txt"
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *chosen, ROOT / "pyproject.toml", "-o", out],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^([\w.-]+)==([\w.]+)", out.read_text(), re.MULTILINE))
    if "transformers" in found:
        assert tuple(map(int, found["transformers"].split(".")[:2])) >= (5, 16)
