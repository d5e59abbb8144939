"""XTuner's environment, and what is run in it."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sentences import says

ROOT = Path(__file__).parents[2]
VENV = Path(os.environ.get("XTUNER_VENV", ROOT / ".venv-xtuner"))
CONFIGS = ROOT / "recipes" / "xtuner"


def need_environment() -> None:
    """Skip, with the reason, where nobody made XTuner's environment; but fail in CI, which has to make it."""
    if (VENV / "idf-installed").exists():
        return
    reason = f"there is no XTuner in {VENV}: `bash launch/xtuner.sh --install` makes its environment"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "XTUNER_VENV": str(VENV), **more}


@dataclass(frozen=True)
class Ended:
    """A run of `launch/xtuner.sh`: its exit status, and what it said."""

    status: int
    said: str

    @property
    def sentence(self) -> str:
        """The one sentence of a run that was refused."""
        assert "Traceback" not in self.said, self.said
        first, last = [line for line in self.said.splitlines() if line.startswith("error: ")]
        says(last, "XTuner", "not train to the end")
        return first


def start(config: Path, folder: Path, *more: str, **variables: str) -> subprocess.Popen[str]:
    """Start `launch/xtuner.sh` in a process group of its own; the config's paths are relative to the folder."""
    return subprocess.Popen(
        ["bash", str(ROOT / "launch" / "xtuner.sh"), str(config), *more],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def train(config: Path, folder: Path, *more: str, **variables: str) -> Ended:
    process = start(config, folder, *more, **variables)
    try:
        said, _ = process.communicate(timeout=400)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ended(process.returncode, said)


def changed(config: Path, to: Path, **settings: Any) -> Path:
    """A copy of a config in which settings have other values than it says, or than its base has."""
    lines = config.read_text().splitlines()
    for name, value in settings.items():
        said = f"        {name}={value!r},"
        at = [i for i, line in enumerate(lines) if line.startswith(f"        {name}=")]
        if at:
            lines[at[0]] = said
        else:
            lines.insert(lines.index("    config(") + 1, said)
    to.write_text("\n".join(lines) + "\n")
    return to
