"""Stage 1, Imagery-Distillation: the model learns to spell out every state of a simulated walk.

torchrun --nproc_per_node 8 launch/stage1.py [--recipe recipes/stage1.yaml] [--dry-run] [key=value ...]
"""

from __future__ import annotations

from pathlib import Path

from idf.training.recipe import read_arguments
from idf.training.stage import check_device, checkpoint_facts, dry_run, find_data, run_stage


def main() -> None:
    arguments = read_arguments(__doc__, default="recipes/stage1.yaml", stage="imagery")
    recipe = arguments.recipe
    if arguments.dry_run:
        return dry_run(recipe)

    from idf.training.checkpoint import start_or_resume
    from idf.training.dataset import PackedDataset
    from idf.training.encode import Encoder
    from idf.training.hook import EvaluationHook
    from idf.training.load import load_model, load_processor
    from idf.training.model import StageModel, freeze_vision
    from idf.training.trainer import StageTrainer, training_arguments

    # What can be wrong with machine, folder or samples is found before any weight is loaded.
    check_device(recipe)
    folder = find_data(recipe)
    settings = training_arguments(recipe)
    first = settings.process_index == 0
    resume_from = start_or_resume(recipe, folder.fingerprint(), settings.world_size, clean=first)
    processor = load_processor(recipe.model)
    encoder = Encoder(processor, recipe.tokens_per_row, recipe.max_pixels)
    rows = PackedDataset(folder, encoder, recipe.tokens_per_row, recipe.rows_per_step, recipe.seed, show=first)

    # The base model. Vision encoder and merger stay as they are; the language model learns.
    vlm = load_model(recipe.model, precision=recipe.precision, attention=recipe.attention)
    freeze_vision(vlm)
    if recipe.gradient_checkpointing:
        vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})

    hook = EvaluationHook(recipe) if recipe.hook.items else None
    facts = checkpoint_facts(recipe, folder)
    trainer = StageTrainer(StageModel(vlm, recipe.sharded), recipe, rows, processor, settings, facts, hook)
    trainer.announce()
    trainer.train_stage(resume_from)

    final = Path(recipe.run) / "final"
    trainer.save_model(str(final))
    if hook is not None:
        hook.run(final)
    trainer.farewell(final)


if __name__ == "__main__":
    run_stage(main)
