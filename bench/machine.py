"""What a measurement ran on, and how much memory it took."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def machine() -> dict[str, object]:
    """Processor, cores, Python and the versions of the large packages."""
    model = "unknown"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    packages = ("torch", "transformers", "deepspeed", "accelerate", "numpy")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def command() -> str:
    """How this process was called; of absolute paths only the last part, since the rest says nothing elsewhere."""
    return " ".join(["python", *(Path(word).name if Path(word).is_absolute() else word for word in sys.argv)])


def peak_mib(cpu: bool) -> float:
    """The largest resident set of this process so far (of a GPU: the most memory that was allocated on it)."""
    if not cpu:
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    # Linux hands ru_maxrss down from the process that started this one, but not VmHWM.
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def source_at(commit: str, folder: Path) -> Path:
    """The files of a commit of this repository, written to a new folder; returns the folder."""
    folder.mkdir(parents=True)
    files = subprocess.run(
        ["git", "archive", commit], cwd=Path(__file__).parents[1], check=True, stdout=subprocess.PIPE
    ).stdout
    subprocess.run(["tar", "x", "-C", str(folder)], input=files, check=True)
    return folder
