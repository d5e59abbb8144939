"""What other trainers call the keys of our recipes: Hugging Face TrainingArguments, TRL, PEFT, LLaMA-Factory, ms-swift."""

from __future__ import annotations

_ROWS = (
    "samples are packed into rows, and rows_per_micro_batch says how many a device takes at once; "
    "rows_per_step = rows_per_micro_batch x devices x accumulated micro-batches"
)
_GLOBAL = "write rows_per_step=N, the packed rows in one optimizer step over all devices"
_ACCUMULATION = (
    "it follows from rows_per_step = rows_per_micro_batch x devices x accumulated micro-batches; "
    "for 1 row x 8 devices x 2 accumulated, write rows_per_step=16"
)
_LENGTH = "write tokens_per_row=N; a longer sample is refused, never cut"
_WARMUP = "write warmup=0.03, a share of the steps: warm-up steps / all steps, which `idf plan` counts"
_STEPS = "write epochs=N, which may be a fraction: epochs = steps x rows_per_step / rows, which `idf plan` counts"
_VISION = (
    "write train=language (vision encoder and merger are frozen), train=language+merger or train=all; the language model "
    "always learns"
)
_VISION_RATE = (
    "write vision_learning_rate=2e-6, for train=all or train=language+merger; vision encoder and merger share it"
)
_LORA = "write lora={rank: 64, alpha: 128} for adapters, or lora=null for full fine-tuning"
_TARGETS = "adapters sit on every linear layer of the language model's layers"
_HOOK = "every saved checkpoint answers a suite: see hook.mode, hook.items and save_steps"
_BEST = "the checkpoint that the hook found best always stays, beside the last keep_checkpoints"
_PACKING = "samples are always packed, and kept apart"
_PRECISION = "write precision=bf16 or precision=fp32"
_MODEL = "write model=FOLDER, or the name of a model on the hub"
_DATA = "write data=FOLDER, a dataset folder that idf made"
_SCHEDULE = "the learning rate always rises linearly over `warmup`, then falls along a cosine to 0"
_OPTIMIZER = "it is always AdamW; its keys are learning_rate, betas and weight_decay"
_BETAS = "write betas=[0.9, 0.95], both in one key"
_RESUME = "the same command resumes a run by itself; resume=weights allows another number of devices"
_DEVICES = "torchrun --nproc_per_node N decides that; gpus=N is what `idf plan` and the dry run count with"
_QUANTIZED = "weights are never quantised: for little memory see recipes/lora-24gb"
_LOADER = "write loader_workers=N, processes on each device that decode pictures"
_RUN = "write run=FOLDER, which receives the checkpoints; a run in Weights & Biases has its last name"
_NO_NOISE = "the loss is the plain cross-entropy over label tokens"

OTHERS_NAMES: dict[str, str] = {
    **dict.fromkeys(
        ("batch_size", "per_device_train_batch_size", "per_gpu_train_batch_size", "micro_batch_size"), _ROWS
    ),
    **dict.fromkeys(("train_micro_batch_size_per_gpu", "per_device_batch_size"), _ROWS),
    **dict.fromkeys(("global_batch_size", "train_batch_size", "total_batch_size"), _GLOBAL),
    **dict.fromkeys(("gradient_accumulation_steps", "gradient_accumulation", "accumulate_grad_batches"), _ACCUMULATION),
    **dict.fromkeys(("per_device_eval_batch_size", "eval_batch_size"), "write hook.batch_size=N"),
    **dict.fromkeys(
        ("num_train_epochs", "num_epochs", "max_epochs", "n_epochs"), "write epochs=N, which may be a fraction"
    ),
    **dict.fromkeys(("max_steps", "total_steps", "num_train_steps"), _STEPS),
    **dict.fromkeys(("lr", "base_lr", "peak_lr"), "write learning_rate=1e-5"),
    **dict.fromkeys(("warmup_ratio", "warmup_steps", "num_warmup_steps"), _WARMUP),
    **dict.fromkeys(("lr_scheduler", "lr_scheduler_type", "lr_scheduler_kwargs", "min_lr"), _SCHEDULE),
    **dict.fromkeys(("optim", "optimizer", "optim_args", "adam_epsilon"), _OPTIMIZER),
    **dict.fromkeys(("adam_beta1", "adam_beta2", "beta1", "beta2"), _BETAS),
    **dict.fromkeys(("wd", "weight_decay_rate"), "write weight_decay=0.1"),
    **dict.fromkeys(
        ("gradient_clipping", "max_norm", "clip_grad", "grad_clip"), "write max_grad_norm=1.0, or null for none"
    ),
    **dict.fromkeys(
        ("cutoff_len", "max_length", "max_seq_length", "max_seq_len", "model_max_length", "seq_len"), _LENGTH
    ),
    **dict.fromkeys(
        ("packing", "neat_packing", "padding_free", "group_by_length", "data_packing", "data_flatten"), _PACKING
    ),
    **dict.fromkeys(("fp16", "bf16", "tf32", "torch_dtype", "dtype", "pure_bf16", "mixed_precision"), _PRECISION),
    **dict.fromkeys(("model_name_or_path", "model_name", "model_path", "model_id", "base_model"), _MODEL),
    **dict.fromkeys(("dataset", "dataset_dir", "dataset_name", "train_file", "data_path", "dataset_path"), _DATA),
    **dict.fromkeys(("output_dir", "save_dir", "run_name", "logging_dir"), _RUN),
    **dict.fromkeys(
        ("report_to", "use_wandb", "log_with"), "write wandb=true or wandb=false; history.jsonl is always written"
    ),
    **dict.fromkeys(("logging_steps", "log_interval", "logging_strategy"), "write log_steps=N"),
    **dict.fromkeys(("save_strategy", "save_interval", "save_freq"), "write save_steps=N"),
    **dict.fromkeys(("save_total_limit", "max_checkpoints"), "write keep_checkpoints=N; the hook's best stays besides"),
    **dict.fromkeys(
        ("eval_steps", "eval_strategy", "evaluation_strategy", "do_eval", "val_size", "eval_dataset"), _HOOK
    ),
    **dict.fromkeys(("predict_with_generate", "do_predict", "compute_accuracy"), _HOOK),
    **dict.fromkeys(("load_best_model_at_end", "metric_for_best_model", "greater_is_better"), _BEST),
    "max_new_tokens": "write hook.max_new_tokens=N",
    **dict.fromkeys(("resume_from_checkpoint", "resume_only_model"), _RESUME),
    "overwrite_output_dir": "a run's folder is never overwritten: remove it, or write run=another/folder",
    **dict.fromkeys(("finetuning_type", "train_type", "tuner_type", "use_lora", "use_peft", "peft_config"), _LORA),
    **dict.fromkeys(("lora_rank", "lora_r", "rank"), "write lora.rank=64"),
    **dict.fromkeys(("lora_alpha", "alpha"), "write lora.alpha=128"),
    **dict.fromkeys(("lora_dropout", "dropout"), "write lora.dropout=0.05"),
    **dict.fromkeys(("lora_target", "lora_target_modules", "target_modules"), _TARGETS),
    **dict.fromkeys(("quantization_bit", "load_in_4bit", "load_in_8bit", "quant_method"), _QUANTIZED),
    **dict.fromkeys(
        ("flash_attn", "attn_implementation", "attn_impl"),
        "write attention=packed, which is the default, attention=sdpa or attention=flash_attention_2",
    ),
    **dict.fromkeys(
        ("use_gradient_checkpointing", "activation_checkpointing"), "write gradient_checkpointing=true or false"
    ),
    **dict.fromkeys(("deepspeed_config", "zero_stage"), "write deepspeed=zero2, the name of a preset"),
    **dict.fromkeys(
        ("image_max_pixels", "max_image_pixels", "video_max_pixels"), "write max_pixels=N; nothing is resampled"
    ),
    **dict.fromkeys(
        ("image_min_pixels", "min_pixels"), "there is no least size of a picture; the largest is max_pixels"
    ),
    **dict.fromkeys(("freeze_vision_tower", "freeze_multi_modal_projector", "freeze_language_model"), _VISION),
    **dict.fromkeys(("freeze_vit", "freeze_aligner", "freeze_llm", "freeze_merger"), _VISION),
    **dict.fromkeys(("tune_mm_vision", "tune_mm_mlp", "tune_mm_llm"), _VISION),
    **dict.fromkeys(("vit_lr", "aligner_lr", "vision_lr", "merger_lr"), _VISION_RATE),
    **dict.fromkeys(("vision_tower_lr", "mm_projector_lr", "mm_vision_tower_lr"), _VISION_RATE),
    **dict.fromkeys(("dataloader_num_workers", "preprocessing_num_workers", "num_workers", "num_proc"), _LOADER),
    **dict.fromkeys(("data_seed", "random_seed"), "write seed=0"),
    **dict.fromkeys(("ddp_timeout", "timeout"), "write hang_seconds=1800"),
    **dict.fromkeys(("num_gpus", "n_gpus", "nproc_per_node", "world_size", "nnodes"), _DEVICES),
    **dict.fromkeys(("template", "chat_template"), "every sample is rendered with the model's own chat template"),
    **dict.fromkeys(("do_train", "task_type"), "the script says it: launch/stage1.py or launch/stage2.py"),
    **dict.fromkeys(("label_smoothing", "label_smoothing_factor", "neftune_noise_alpha"), _NO_NOISE),
    **dict.fromkeys(("push_to_hub", "hub_model_id"), "nothing is uploaded; final/ is a folder that `hf upload` takes"),
    **dict.fromkeys(("trust_remote_code", "use_fast_tokenizer"), "no code of a model is ever run"),
}
"""Name elsewhere -> one sentence on what it is here."""
