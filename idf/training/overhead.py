"""What a run costs beside its steps: room on the disk, and time for saving and for the evaluation hook."""

from __future__ import annotations

from idf.imagery import kinds_of
from idf.worlds import WORLDS

from .flops import Shape
from .memory import Size, checkpoint_bytes
from .recipe import TrainingRecipe

LAYER_SECONDS = 1e-3
"""Time that a layer takes for one token of a batch in the hook; an assumption: mostly Python's, whatever the GPU."""


def in_words(seconds: float) -> str:
    """A time in minutes, or in hours from 100 minutes on."""
    minutes = seconds / 60
    return f"{minutes / 60:.1f} hours" if minutes >= 100 else f"{minutes:.2g} minutes"


def checkpoints_of(recipe: TrainingRecipe, steps: int) -> int:
    """How many checkpoints a run writes before `final/`."""
    return (steps - 1) // recipe.save_steps


def disk_bytes(recipe: TrainingRecipe, size: Size, steps: int | None = None) -> float:
    """Bytes that the checkpoints of a run take at the worst moment.

    An old one is removed after the next one is written, and the best one by the hook stays besides.

    Args:
        recipe: The stage's recipe.
        size: Its parameters.
        steps: Of the whole run; None if they are not known: as many as it takes.
    """
    weights, state = checkpoint_bytes(recipe, size)
    stay, at_once = _checkpoints_there(recipe, steps)
    return max(at_once * (weights + state), stay * (weights + state) + weights)


def _checkpoints_there(recipe: TrainingRecipe, steps: int | None) -> tuple[int, int]:
    """How many checkpoints are there between two saves, and while one is written."""
    kept = recipe.keep_checkpoints + (recipe.hook.mode != "off")
    made = kept + 1 if steps is None else checkpoints_of(recipe, steps)
    return min(made, kept), min(made, kept + 1)


def describe_disk(recipe: TrainingRecipe, size: Size, steps: int) -> str:
    """Room that checkpoints need at the worst moment, in a line."""
    weights, state = checkpoint_bytes(recipe, size)
    made, best = checkpoints_of(recipe, steps), recipe.hook.mode != "off"
    at_once = _checkpoints_there(recipe, steps)[1]
    kept = f"{recipe.keep_checkpoints} kept{', the best one' if best else ''}, and the one being written"
    before = f"{made:,} before it, of which at most {at_once} are there at once ({kept})" if made else "none before it"
    return (
        f"disk: {disk_bytes(recipe, size, steps) / 1e9:,.1f} GB; a checkpoint takes {(weights + state) / 1e9:.1f} GB "
        f"({weights / 1e9:.1f} of weights, {state / 1e9:.1f} to resume from), final/ {weights / 1e9:.1f}, and the run writes "
        f"{before}"
    )


def saving_seconds(recipe: TrainingRecipe, size: Size, steps: int, write_speed: float) -> float:
    """Time to write all checkpoints and `final/`, at so many GB (10^9 bytes) a second."""
    weights, state = checkpoint_bytes(recipe, size)
    return (checkpoints_of(recipe, steps) * (weights + state) + weights) / write_speed / 1e9


def hook_seconds(recipe: TrainingRecipe, shape: Shape, steps: int) -> float:
    """Time of all evaluations of an inline hook if every answer is as long as it may be; 0 if it is not inline."""
    hook = recipe.hook
    if hook.mode != "inline":
        return 0.0
    batches = len(hook.modes) * -(-_items(recipe) // hook.batch_size)
    one_after_the_other = -(-batches // recipe.gpus)
    seconds = one_after_the_other * hook.max_new_tokens * shape.layers * LAYER_SECONDS
    return (checkpoints_of(recipe, steps) + 1) * seconds


def describe_time(recipe: TrainingRecipe, shape: Shape, size: Size, steps: int, write_speed: float) -> str:
    """Time for saving and for the hook, a line each."""
    hook, evaluations = recipe.hook, checkpoints_of(recipe, steps) + 1
    saving = (
        f"saving: {in_words(saving_seconds(recipe, size, steps, write_speed))} if the disk takes {write_speed:g} GB a second "
        "(--write-speed)"
    )
    if hook.mode != "inline":
        return f"{saving}\nhook: none of these GPUs' time (hook.mode: {hook.mode})"
    return (
        f"{saving}\n"
        f"hook: at most {in_words(hook_seconds(recipe, shape, steps))}, {evaluations:,} x {_items(recipe) * len(hook.modes):,} "
        f"prompts in batches of {hook.batch_size} over {recipe.gpus} GPUs, all answers {hook.max_new_tokens:,} tokens long, "
        f"if a token takes {1000 * LAYER_SECONDS * shape.layers:g} ms (1 ms a layer, assumed)"
    )


def _items(recipe: TrainingRecipe) -> int:
    """Problems, and exercises of every kind that a world has."""
    hook = recipe.hook
    exercises = sum(kind in kinds_of(WORLDS[world]) for kind in hook.kinds for world in hook.worlds)
    return hook.items * len(hook.difficulties) * (len(hook.worlds) + exercises)
