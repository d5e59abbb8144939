"""Stage 1, Imagery-Distillation, on XTuner: the tiny model on a CPU.

    bash launch/xtuner.sh recipes/xtuner/tiny/stage1.py

The same code as the paper's run, at a size that one CPU core trains in seconds; docs/xtuner.md makes model and data.
"""

from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook, LoggerHook
from mmengine.optim import OptimWrapper
from torch.optim import AdamW
from xtuner.engine.runner import TrainLoop

from idf.integrations.xtuner import ExportHook, MicroBatches, PlainState, StageSchedule, StepLog, XTunerStage, as_batch

#######################################################################
#                          PART 1  Settings                           #
#######################################################################
# Model
pretrained_model_name_or_path = "checkpoints/xtuner-tiny/base"
attn_implementation = "sdpa"
gradient_checkpointing = True

# Data
stage = "imagery"
data_path = "data/xtuner-tiny/imagery"
max_length = 768  # tokens of a row, into which samples are packed; a longer sample is refused
max_pixels = 12544  # of a picture; a larger one is refused

# Scheduler & Optimizer
work_dir = "checkpoints/xtuner-tiny/stage1"
device = "cpu"
dist_backend = "gloo"
precision = "fp32"
deepspeed = None
batch_size = 1  # rows per device
accumulative_counts = 2
devices = 1
rows_per_step = 2  # batch_size x accumulative_counts x devices, or else the run is refused
dataloader_num_workers = 0
max_epochs = 1.0
lr = 1e-3
betas = [0.9, 0.95]
warmup_ratio = 0.1
max_norm = 1.0  # grad clip
loss_spike = None
seed = 0

# Save
save_steps = 2
save_total_limit = 2

# The same in the words of idf's recipes (docs/training.md): it is checked, and stands in the idf.json of every folder.
recipe = dict(
    stage=stage,
    model=pretrained_model_name_or_path,
    data=data_path,
    run=work_dir,
    device=device,
    gpus=devices,
    precision=precision,
    deepspeed=deepspeed,
    attention=attn_implementation,
    gradient_checkpointing=gradient_checkpointing,
    epochs=max_epochs,
    learning_rate=lr,
    betas=betas,
    weight_decay=0.0,
    warmup=warmup_ratio,
    max_grad_norm=max_norm,
    tokens_per_row=max_length,
    rows_per_micro_batch=batch_size,
    rows_per_step=rows_per_step,
    max_pixels=max_pixels,
    save_steps=save_steps,
    keep_checkpoints=save_total_limit,
    log_steps=1,
    loader_workers=dataloader_num_workers,
    loss_spike=loss_spike,
    seed=seed,
    wandb=False,
    hook=dict(mode="watch", items=4, modes=["vtqa"], prompts="idf-long-1", max_new_tokens=2048, batch_size=16),
)

#######################################################################
#                           PART 2  Model                             #
#######################################################################
model = dict(type=XTunerStage, recipe=recipe)

#######################################################################
#                      PART 3  Dataset & Dataloader                   #
#######################################################################
# An item is a whole micro-batch, and the dataset holds the run from its first step to its last: hence batch_size=1 and
# shuffle=False here, and one epoch in PART 4.
train_dataloader = dict(
    batch_size=1,
    num_workers=dataloader_num_workers,
    dataset=dict(type=MicroBatches, recipe=recipe),
    sampler=dict(type=DefaultSampler, shuffle=False),
    collate_fn=dict(type=as_batch),
)

#######################################################################
#                    PART 4  Scheduler & Optimizer                    #
#######################################################################
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=lr, betas=betas, weight_decay=0.0),
    clip_grad=dict(max_norm=max_norm, error_if_nonfinite=False),
    accumulative_counts=accumulative_counts,
)
param_scheduler = [dict(type=StageSchedule, recipe=recipe, by_epoch=False)]
train_cfg = dict(type=TrainLoop, max_epochs=1)

#######################################################################
#                           PART 5  Runtime                           #
#######################################################################
custom_hooks = [dict(type=PlainState), dict(type=StepLog, recipe=recipe), dict(type=ExportHook, recipe=recipe)]
default_hooks = dict(
    logger=dict(type=LoggerHook, log_metric_by_epoch=False, interval=10),
    checkpoint=dict(
        type=CheckpointHook,
        by_epoch=False,
        interval=save_steps * accumulative_counts,
        max_keep_ckpts=save_total_limit,
    ),
)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend=dist_backend, timeout=7200),  # rank 0 encodes the data while the others wait
)
log_level = "INFO"
log_processor = dict(by_epoch=False)
load_from = None
resume = True  # from the last checkpoint in work_dir, if there is one: the same command goes on
randomness = dict(seed=seed, deterministic=False)
