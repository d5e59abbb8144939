"""Complete Hugging Face folders out of a run of XTuner: the base model's own files, with what was learned put in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mmengine.dist import barrier
from mmengine.hooks import Hook

from idf.training.card import write_card
from idf.training.checkpoint import FINAL, publish, remove_old, saving_folder
from idf.training.data import find_data
from idf.training.layout import read_layout, write_model
from idf.training.stage import checkpoint_facts

from ._model import bare
from ._recipe import ENGINE, stage_recipe


class ExportHook(Hook):  # type: ignore[misc]
    """Writes `checkpoint-<step>/` beside each checkpoint of XTuner, and `final/` at the end.

    XTuner's own checkpoints are for going on. Under DeepSpeed they lack the frozen tensors, and so does what
    `xtuner convert pth_to_hf` makes of them.

    Args:
        recipe: The stage's recipe, as a dict.
    """

    priority = "LOWEST"  # after CheckpointHook: where a folder stands, the run can go on

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        self.recipe = stage_recipe(recipe)

    def before_train(self, runner: Any) -> None:
        """Gather what `idf.json` will say."""
        self.facts = checkpoint_facts(self.recipe, find_data(self.recipe)) | {"engine": ENGINE}
        self.facts["versions"] |= {name: version(name) for name in ("xtuner", "mmengine")}
        self.facts["ranks"] = runner.world_size
        self.layout = read_layout(self.recipe.model)
        self.layout.names_in_files(bare(runner.model).stage.vlm)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Export where XTuner saves, but at the last step, which becomes `final/`."""
        step, rest = divmod(batch_idx + 1, self.recipe.accumulation_steps(runner.world_size))
        if not rest and step % self.recipe.save_steps == 0 and batch_idx + 1 < runner.max_iters:
            self._export(runner, f"checkpoint-{step}", step)

    def after_train(self, runner: Any) -> None:
        """Export the trained model."""
        self._export(runner, "final", runner.max_iters // self.recipe.accumulation_steps(runner.world_size))

    def _export(self, runner: Any, name: str, step: int) -> None:
        if runner.rank == 0:
            run = Path(self.recipe.run)
            part = saving_folder(run, name)
            write_model(self.layout, bare(runner.model).stage.vlm, part, facts=self.facts | {"step": step})
            if name == FINAL:
                write_card(part, run)
            if (run / name).exists():  # the step was done again after a kill
                gone = part.with_name(f"{part.name}-again")
                os.rename(run / name, gone)
                shutil.rmtree(gone)
            publish(run, name)
            remove_old(run, self.recipe.keep_checkpoints, best=None)
            print(f"{run / name} is a complete Hugging Face folder", flush=True)
        barrier()
