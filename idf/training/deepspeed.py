"""DeepSpeed presets, by name."""

from __future__ import annotations

from typing import Any

PRESETS = ("zero1", "zero2", "zero3", "zero2_offload", "zero3_offload")


def deepspeed_config(preset: str, *, precision: str, device: str) -> dict[str, Any]:
    """The DeepSpeed configuration of a preset, without any "auto" that another place would fill in.

    Args:
        preset: One of PRESETS.
        precision: "bf16": bf16 parameters and gradients, fp32 master weights and Adam moments. "fp32": all fp32.
        device: "cpu" turns off what needs streams.
    """
    stage = int(preset[4])
    zero: dict[str, Any] = {"stage": stage, "overlap_comm": device == "gpu" and "offload" not in preset}
    if stage >= 2:
        zero |= {"contiguous_gradients": True, "reduce_bucket_size": 500_000_000}
    if stage == 3:
        # Without this, the exported folder would hold empty tensors.
        zero |= {"stage3_gather_16bit_weights_on_model_save": True}
    if "offload" in preset:
        zero |= {"offload_optimizer": {"device": "cpu", "pin_memory": True}}
        if stage == 3:
            zero |= {"offload_param": {"device": "cpu", "pin_memory": True}}
    return {
        "zero_optimization": zero,
        "bf16": {"enabled": precision == "bf16"},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "steps_per_print": 10**9,
    }
