"""The scripts that make an environment, in a checkout that has none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (["bench/study/run.sh", "--quick"], ["-m pip install --quiet --editable .", "-m bench.study --quick"]),
        (["bench/study/run.sh"], ["-m pip install --quiet --editable .", "-m bench.study"]),
        (["launch/test.sh", "-k", "no"], ["-m pip install --quiet --editable .[test,harnesses]"]),
    ],
)
def test_arguments_of_a_script_are_no_extra_to_install(tmp_path, words, calls):
    for folder in ("launch", "bench/study"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    python.chmod(0o755)
    for tool in ("ruff", "mypy", "pytest"):
        shutil.copy(python, python.with_name(tool))
    subprocess.run(["bash", *words], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "calls").read_text().splitlines()[: len(calls)] == calls
