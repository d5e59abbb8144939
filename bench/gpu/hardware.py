"""What this machine is, whether all that is needed can be imported, and the speeds that nothing on it can exceed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any, get_args, get_type_hints

from settings import LENGTHS, LONGEST

NEEDED = (
    *("torch", "torchvision", "transformers", "accelerate", "peft", "deepspeed", "datasets"),
    *("aggdraw", "zlib_ng", "idf.training.engine", "idf.training.trainer", "idf.evaluation", "idf.imagery"),
)


def measure(spec: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Import everything, look at the GPU, time a matrix product and a copy."""
    cpu = spec["cpu"]
    seconds = {}
    for name in NEEDED:
        begun = time.perf_counter()
        import_module(name)
        seconds[name] = round(time.perf_counter() - begun, 2)
    report({"import_seconds": seconds})
    import torch

    from idf.training.flops import peak_tflops

    if not cpu and not torch.cuda.is_available():
        raise SystemExit("this machine has no CUDA GPU: --cpu rehearses without one")
    name = "none, tiny shapes on a CPU" if cpu else torch.cuda.get_device_name()
    report({"gpu": name, "host_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)})
    if not cpu:
        properties = torch.cuda.get_device_properties(0)
        report({"multiprocessors": properties.multi_processor_count, "capability": torch.cuda.get_device_capability()})
        report({"cuda": torch.version.cuda, "bf16_peak_tflops": peak_tflops(name)})
    report({"gpu_gib": 0.0 if cpu else round(torch.cuda.get_device_properties(0).total_memory / 2**30, 2)})
    report({"attentions": attentions(cpu)})
    # Imported here: what it needs is among what was tried above.
    from shapes import plans

    report({"plans": plans((*LENGTHS, LONGEST))})
    report({"matmul_tflops": round(_matmul_tflops(cpu), 4), "copy_tb_per_second": round(_copy_speed(cpu), 4)})


def attentions(cpu: bool) -> dict[str, str | None]:
    """Every implementation of attention that a recipe can name -> why it cannot run here, or None."""
    from idf.training.recipe import StageRecipe

    found: dict[str, str | None] = dict.fromkeys(get_args(get_type_hints(StageRecipe)["attention"]))
    if "flash_attention_2" in found:
        if find_spec("flash_attn") is None:
            found["flash_attention_2"] = "flash_attn is not installed"
        elif cpu:
            found["flash_attention_2"] = "flash_attn runs on GPUs only"
    return found


def _matmul_tflops(cpu: bool) -> float:
    """10^12 operations a second of a large bf16 matrix product, on random numbers: the most that a model could reach."""
    import torch

    side, device = (512, "cpu") if cpu else (8192, "cuda")
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * side**3 / _seconds(lambda: a @ b, cpu) / 1e12


def _copy_speed(cpu: bool) -> float:
    """10^12 bytes a second, read and written, of a large copy in the GPU's memory."""
    import torch

    source = torch.empty(2**22 if cpu else 2**32, dtype=torch.uint8, device="cpu" if cpu else "cuda").fill_(1)
    target = torch.empty_like(source)
    return 2 * len(source) / _seconds(lambda: target.copy_(source), cpu) / 1e12


def _seconds(work: Callable[[], object], cpu: bool) -> float:
    """The median of twenty times, after ten that warm up."""
    import torch

    seconds = []
    for _ in range(30):
        if not cpu:
            torch.cuda.synchronize()
        begun = time.perf_counter()
        work()
        if not cpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    return median(seconds[10:])
