"""Stage 1, Imagery-Distillation: the model learns to spell out every state of a simulated walk.

torchrun --nproc_per_node 8 launch/stage1.py [--recipe recipes/stage1.yaml] [--dry-run] [key=value ...]
"""

from __future__ import annotations

from pathlib import Path

from idf.training.stage import check_device, check_installed, checkpoint_facts, dry_run, run_stage
from idf.training.stages import read_arguments


def main() -> None:
    arguments = read_arguments(__doc__, default="recipes/stage1.yaml", stage="imagery")
    recipe = arguments.recipe
    check_installed(recipe, arguments.dry_run)
    if arguments.dry_run:
        return dry_run(recipe, arguments.recipe_path)

    from idf.training.checkpoint import find_resume
    from idf.training.data import find_data
    from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, steps_in_run, tokens_folder
    from idf.training.encode import Encoder
    from idf.training.engine import Engine
    from idf.training.hub import fetch_model
    from idf.training.load import check_model, load_processor, load_trainable
    from idf.training.room import check_disk, check_shared_memory
    from idf.training.run_lock import lock_run
    from idf.training.trainer import StageTrainer

    # What can be wrong with machine, base model, folder or samples is found before any weight is loaded.
    check_device(recipe)
    check_model(recipe.model)
    folder = find_data(recipe)
    engine = Engine(recipe)
    run = Path(recipe.run)
    engine.first_does(lambda: lock_run(run))
    resume = engine.first_says(lambda: find_resume(recipe, folder.fingerprint(), engine.ranks, True))
    with engine.watch.paused("fetching the model"):
        engine.one_of_each_node_does(lambda: fetch_model(recipe.model))
    if not Path(recipe.model).is_dir():
        engine.first_does(lambda: check_model(recipe.model, fetched=True))
    processor = load_processor(recipe.model)
    encoder = Encoder(processor, recipe.tokens_per_row, recipe.max_pixels)
    with engine.watch.paused("encoding the samples"):
        engine.first_does(lambda: prepare_tokens(folder, encoder, run, show=True))
    tokens = TokenStore(tokens_folder(folder, encoder, run))
    rows = PackedRows(folder, tokens, recipe.tokens_per_row, recipe.rows_per_step, recipe.seed, recipe.order)
    engine.first_does(lambda: check_disk(recipe, steps_in_run(len(rows), recipe)))
    check_shared_memory(recipe, rows, processor.image_processor, engine.ranks_here, engine.accumulation)

    # The base model. What `train` leaves out, vision encoder and merger by default, stays as it is.
    with engine.watch.paused("loading the model"):
        vlm = load_trainable(recipe, resume)
    trainer = StageTrainer(engine, vlm, rows, processor, recipe, checkpoint_facts(recipe, folder))
    final = trainer.train(resume)
    if final is not None and engine.first:
        print(f"done: {final} is a complete Hugging Face folder; the curves are in {run}/curves.png", flush=True)


if __name__ == "__main__":
    run_stage(main)
