"""The GPUs of this machine, their driver, and what torch makes of them. Needs no torch to be imported."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec

NEEDED_DRIVER = {11: (450, 80, 2), 12: (525, 60, 13), 13: (580,)}
"""CUDA's major version -> the oldest driver that runs it (CUDA Compatibility, table 1, and the CUDA Toolkit's release notes)."""

WHEELS = {13: "cu130", 12: "cu126", 11: "cu118"}
"""CUDA's major version -> PyTorch's index of wheels for it."""

_VERSION = r"\d{3,}(?:\.\d+)+"
_INDEX = "https://download.pytorch.org/whl"
_LAST_WITH_11 = "<2.8"  # torch 2.7 is the last with wheels for CUDA 11.8


@dataclass(frozen=True)
class Gpus:
    """What `nvidia-smi` says.

    Attributes:
        names: The model of each GPU; empty if there is none, or none can be asked.
        memory_gib: The least memory of any of them.
        driver: Version of the driver; empty if there is none.
        problem: Why there is none, in a sentence; empty if there are some.
    """

    names: tuple[str, ...] = ()
    memory_gib: float = 0.0
    driver: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Torch:
    """What torch is here.

    Attributes:
        version: Its version; empty if it is not installed, or cannot be imported.
        cuda: The CUDA that it was built for; empty for none.
        devices: GPUs that it can use.
        problem: Why it cannot be imported, or finds no GPU; empty if all is well.
    """

    version: str = ""
    cuda: str = ""
    devices: int = 0
    problem: str = ""


def find_gpus() -> Gpus:
    """Ask `nvidia-smi`, which comes with the driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return Gpus(problem="no GPU: there is no nvidia-smi on PATH, which comes with NVIDIA's driver")
    query = [command, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Gpus(problem=f"no GPU can be asked for: {command} does not answer ({type(error).__name__})")
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    table = [row for row in rows if len(row) == 3 and re.fullmatch(_VERSION, row[1])]
    if table and not done.returncode:
        # A GPU that is split (MIG), or fails, has "[N/A]" for its memory.
        memory = [float(found[0]) / 1024 for row in table if (found := re.match(r"\d+", row[2]))]
        return Gpus(tuple(row[0] for row in table), min(memory, default=0.0), table[0][1])
    said = " ".join([*lines, *done.stderr.split()])
    driver = re.search(rf"Driver Version:\s*({_VERSION})|^({_VERSION})$", done.stdout, re.MULTILINE)
    if driver and not done.returncode:  # a wrapper of the cluster's that prints the same whatever one asks
        return Gpus(("of unknown model",), 0.0, driver[1] or driver[2])
    return Gpus(problem=f"no GPU: nvidia-smi says {said[:200] or f'nothing, status {done.returncode}'!r}")


def find_torch() -> Torch:
    """Import torch, and ask it for GPUs."""
    if find_spec("torch") is None:
        return Torch(problem="torch is not installed: pip install 'idf[train]'")
    try:
        import torch

        version, cuda = str(torch.__version__), str(torch.version.cuda or "")
        devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    except Exception as error:  # a broken installation raises whatever it likes
        return Torch(problem=f"torch cannot be imported ({type(error).__name__}: {_one_line(error)})")
    if devices or not cuda:
        return Torch(version, cuda, devices)
    try:
        torch.cuda.init()
    except Exception as error:
        return Torch(version, cuda, 0, _one_line(error))
    return Torch(version, cuda, 0, "it names no reason")


def why_no_gpu() -> str | None:
    """Why nothing can be trained on GPUs here, and what would help; None if torch has some."""
    torch = find_torch()
    if torch.devices:
        return None
    gpus = find_gpus()
    return gpus.problem or driver_problem(gpus, torch)


def unused_gpus() -> str | None:
    """Why torch cannot use the GPUs that this machine has; None if it can, or there are none."""
    gpus = find_gpus()
    return driver_problem(gpus, find_torch()) if gpus.names else None


def driver_problem(gpus: Gpus, torch: Torch) -> str | None:
    """Why torch cannot use the GPUs that are here; None if it can.

    Args:
        gpus: At least one.
        torch: From `find_torch`.
    """
    if torch.devices:
        return None
    if not torch.version:
        return torch.problem
    if not torch.cuda:
        return f"torch {torch.version} is built without CUDA: {_install(gpus.driver)}"
    needed = NEEDED_DRIVER.get(int(torch.cuda.partition(".")[0]), ())
    if _numbers(gpus.driver) < needed:
        return (
            f"the driver is too old: {gpus.driver} is installed, and torch {torch.version} is built for CUDA {torch.cuda}, "
            f"which needs {'.'.join(map(str, needed))} or newer: {_install(gpus.driver)}"
        )
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and not hidden.strip(" -1"):
        return f"CUDA_VISIBLE_DEVICES={hidden} hides every GPU: unset it"
    return (
        f"driver {gpus.driver} is new enough for torch {torch.version} (CUDA {torch.cuda}), but torch finds no GPU: "
        f"{torch.problem}"
    )


def _install(driver: str) -> str:
    """The line that installs a torch for a driver."""
    for major in sorted(WHEELS, reverse=True):
        if _numbers(driver) >= NEEDED_DRIVER[major]:
            torch = f"'torch{_LAST_WITH_11}'" if major == 11 else "torch"
            line = f"pip install --force-reinstall {torch} torchvision --index-url {_INDEX}/{WHEELS[major]}"
            return line if major == max(WHEELS) else f"{line}, or update the driver"
    return "update the driver"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
