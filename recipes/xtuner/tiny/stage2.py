"""Stage 2, Reasoning-Distillation, on XTuner: the tiny model on a CPU.

    bash launch/xtuner.sh recipes/xtuner/tiny/stage2.py

The same code as the paper's run, at a size that one CPU core trains in seconds; docs/xtuner.md makes model and data.
"""

_base_ = []  # says to mmengine that this is plain Python: otherwise an import is a mere name, which cannot be called

from idf.integrations.xtuner import config  # noqa: E402

globals().update(
    config(
        base="tiny",
        stage="reasoning",
        pretrained_model_name_or_path="checkpoints/xtuner-tiny/stage1/final",
        data_path="data/xtuner-tiny/traces",
        work_dir="checkpoints/xtuner-tiny/stage2",
        max_epochs=1.0,
    )
)
