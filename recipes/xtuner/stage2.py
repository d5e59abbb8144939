"""Stage 2, Reasoning-Distillation, on XTuner: the paper's run on one node of 8 x A800/A100 80 GB.

    NPROC_PER_NODE=8 bash launch/xtuner.sh recipes/xtuner/stage2.py --deepspeed deepspeed_zero2

Settings are those of recipes/stage2.yaml; more of them: docs/xtuner.md. Not validated: nobody has run this one yet.
"""

_base_ = []  # says to mmengine that this is plain Python: otherwise an import is a mere name, which cannot be called

from idf.integrations.xtuner import config  # noqa: E402

globals().update(
    config(
        stage="reasoning",
        pretrained_model_name_or_path="checkpoints/xtuner-stage1/final",
        data_path="data/traces",
        work_dir="checkpoints/xtuner-stage2",
        max_epochs=2.0,
    )
)
