"""DeepSpeed presets, by name."""

from __future__ import annotations

from typing import Any

PRESETS = ("zero1", "zero2", "zero3", "zero2_offload", "zero3_offload")

BUCKETS = {"gpu": 500_000_000, "adapters": 50_000_000, "cpu": 1_000_000}
"""Elements that are reduced at once. Each is memory: adapters have few gradients, and CPUs train tiny models."""


def deepspeed_config(
    preset: str,
    *,
    precision: str,
    device: str,
    adapters: bool,
    micro_batch: int,
    accumulation: int,
    max_grad_norm: float | None,
    fp32_gradients: bool = False,
) -> dict[str, Any]:
    """The DeepSpeed configuration of a preset, without any "auto" that another place would fill in.

    Args:
        preset: One of PRESETS.
        precision: "bf16": bf16 parameters and gradients, fp32 master weights and Adam moments. "fp32": all fp32.
        device: "cpu" turns off what needs streams.
        adapters: Whether adapters alone learn.
        micro_batch: Rows in one forward pass on one device.
        accumulation: Micro-batches in one step on one device.
        max_grad_norm: Gradients are clipped to this global norm; None for never.
        fp32_gradients: Whether micro-batches are added up in fp32; else in the precision of the gradients.
    """
    config: dict[str, Any] = {
        "zero_optimization": zero_config(preset, device, adapters),
        "bf16": {"enabled": precision == "bf16"},
        "zero_allow_untested_optimizer": True,
        # Offloaded, Adam runs on the CPU: DeepSpeed's own kernel for it is fast, but wants a C++ compiler.
        "zero_force_ds_cpu_optimizer": device == "gpu",
        "train_micro_batch_size_per_gpu": micro_batch,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": max_grad_norm or 0.0,  # 0 is DeepSpeed's word for no clipping
        "steps_per_print": 10**9,
    }
    if fp32_gradients:
        config["data_types"] = {"grad_accum_dtype": "fp32"}
    return config


def zero_config(preset: str, device: str, adapters: bool) -> dict[str, Any]:
    """The part of the configuration that says what is sharded, what lies in CPU memory, and how much is sent at once."""
    stage = int(preset[4])
    zero: dict[str, Any] = {"stage": stage, "overlap_comm": device == "gpu" and "offload" not in preset}
    if stage >= 2:
        bucket = BUCKETS["adapters" if adapters and device == "gpu" else device]
        zero |= {"contiguous_gradients": True, "reduce_bucket_size": bucket}
    if stage == 3:
        # Without this, the exported folder would hold empty tensors.
        zero |= {"stage3_gather_16bit_weights_on_model_save": True}
    if "offload" in preset:
        zero |= {"offload_optimizer": {"device": "cpu", "pin_memory": device == "gpu"}}
        if stage == 3:
            zero |= {"offload_param": {"device": "cpu", "pin_memory": device == "gpu"}}
    return zero


def leave_to_gloo() -> None:
    """On CPUs DeepSpeed would compile a shared-memory all-reduce first: a minute and a C++ compiler that gloo makes needless."""
    import deepspeed.ops

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
