"""A recipe in TRL's words, and a processor as TRL needs it."""

from __future__ import annotations

import os
from typing import Any

from trl import GRPOConfig

from ..deepspeed import deepspeed_config, leave_to_gloo
from ..ranks import Ranks
from ..stage3_recipe import Stage3Recipe


def grpo_config(recipe: Stage3Recipe, ranks: Ranks) -> GRPOConfig:
    """TRL's configuration of a recipe; making it lets the ranks meet.

    Args:
        recipe: The recipe.
        ranks: This process among the others.
    """
    on_cpu = recipe.device == "cpu"
    accumulation = recipe.accumulation_steps(ranks.ranks)
    more: dict[str, Any] = {}
    if on_cpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        leave_to_gloo()
        more |= {"use_cpu": True, "ddp_backend": "gloo" if "RANK" in os.environ else None}
    if recipe.deepspeed is not None:
        more["deepspeed"] = deepspeed_config(
            recipe.deepspeed,
            precision=recipe.precision,
            device=recipe.device,
            adapters=recipe.lora is not None,
            micro_batch=recipe.samples_per_micro_batch,
            accumulation=accumulation,
            max_grad_norm=recipe.max_grad_norm,
        )
    if recipe.vllm is not None:
        more |= {
            "use_vllm": True,
            "vllm_mode": recipe.vllm.mode,
            "vllm_server_base_url": recipe.vllm.url,
            "vllm_gpu_memory_utilization": recipe.vllm.gpu_memory,
            "vllm_tensor_parallel_size": recipe.vllm.tensor_parallel,
        }
    return GRPOConfig(
        output_dir=recipe.run,
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.samples_per_micro_batch,
        gradient_accumulation_steps=accumulation,
        num_generations=recipe.samples,
        max_completion_length=recipe.max_new_tokens,
        mask_truncated_completions=True,
        temperature=recipe.temperature,
        top_p=recipe.top_p,
        top_k=0,
        loss_type=recipe.loss,
        scale_rewards=recipe.scale_rewards,
        beta=recipe.beta,
        epsilon=recipe.clip,
        disable_dropout=recipe.lora is None,
        learning_rate=recipe.learning_rate,
        adam_beta1=recipe.betas[0],
        adam_beta2=recipe.betas[1],
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm or 0.0,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=round(recipe.warmup * recipe.steps),
        optim="adamw_torch",
        bf16=recipe.precision == "bf16",
        gradient_checkpointing=recipe.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if recipe.gradient_checkpointing else None,
        save_strategy="steps",
        save_steps=recipe.save_steps,
        logging_steps=1,
        log_multimodal=False,  # with it ranks may wait for each other forever
        report_to=[],
        disable_tqdm=True,
        seed=recipe.seed % 2**32,
        ddp_find_unused_parameters=False,  # what learns is always used; the frozen vision part is not waited for
        ddp_timeout=24 * 3600,
        **more,
    )


def for_rollouts(processor: Any) -> Any:
    """A processor as rollouts need it: padding on the left, and no picture resampled.

    TRL pads prompts on the left itself, but takes pictures' places from what the processor pads: on the right, the
    log-probabilities of all but the longest prompt would be wrong, without a word.

    Args:
        processor: The processor; it is changed.
    """
    processor.tokenizer.padding_side = "left"
    processor.image_processor.do_resize = False
    return processor
