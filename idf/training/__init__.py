"""Two-stage supervised fine-tuning: recipe, data, model, trainer, checkpoints, evaluation hook."""
