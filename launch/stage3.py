"""Stage 3, reinforcement: the model of stage 2 answers problems, and learns from what the worlds' verdicts say of its answers.

torchrun --nproc_per_node 8 launch/stage3.py [--recipe recipes/stage3.yaml] [--dry-run] [key=value ...]
"""

from __future__ import annotations

from pathlib import Path

from idf.training.stage import check_device, check_installed, checkpoint_facts, run_stage
from idf.training.stage3_recipe import Stage3Recipe
from idf.training.stages import read_arguments


def main() -> None:
    arguments = read_arguments(__doc__, "recipes/stage3.yaml", "reinforcement", Stage3Recipe)
    recipe = arguments.recipe
    check_installed(recipe, arguments.dry_run)
    if arguments.dry_run:
        from idf.training.rl.plan import survey_rollouts

        print(survey_rollouts(recipe, arguments.recipe_path).text)
        return

    from idf.training.checkpoint import find_resume
    from idf.training.hub import fetch_model
    from idf.training.load import check_model, load_processor, load_trainable
    from idf.training.ranks import Ranks
    from idf.training.rl.config import grpo_config
    from idf.training.rl.prompts import read_prompts
    from idf.training.rl.trainer import RolloutTrainer
    from idf.training.room import check_disk
    from idf.training.run_lock import lock_run

    # What can be wrong with machine, base model, folder or problems is found before any weight is loaded.
    check_device(recipe)
    check_model(recipe.model)
    ranks = Ranks()
    config = grpo_config(recipe, ranks)
    run = Path(recipe.run)
    ranks.first_does(lambda: lock_run(run))
    prompts = ranks.first_says(lambda: read_prompts(recipe))
    resume = ranks.first_says(lambda: find_resume(recipe, prompts.folder.fingerprint(), ranks.ranks, True))
    ranks.one_of_each_node_does(lambda: fetch_model(recipe.model))
    if not Path(recipe.model).is_dir():
        ranks.first_does(lambda: check_model(recipe.model, fetched=True))
    ranks.first_does(lambda: check_disk(recipe, recipe.steps))
    if ranks.first:
        print(prompts.describe(), flush=True)

    # Stage 2's final checkpoint. Vision encoder and merger stay as they are.
    processor, vlm = load_processor(recipe.model), load_trainable(recipe, resume)
    facts = checkpoint_facts(recipe, prompts.folder)
    trainer = RolloutTrainer(recipe, config, ranks, vlm, processor, prompts, facts, resume)
    final = trainer.learn()
    if final is not None and ranks.first:
        print(f"done: {final} is a complete Hugging Face folder; the curves are in {run}/curves.png", flush=True)


if __name__ == "__main__":
    run_stage(main)
