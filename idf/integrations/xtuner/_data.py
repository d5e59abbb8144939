"""Our packed rows as a dataset of mmengine: each item is a whole micro-batch, in the order of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_rank, get_world_size
from torch.utils.data import Dataset

from idf.errors import UserError
from idf.training.collate import Collator
from idf.training.data import find_data
from idf.training.dataset import PackedRows, TokenStore, micro_batches, prepare_tokens, steps_in_run, tokens_folder
from idf.training.encode import Encoder
from idf.training.load import check_model, load_processor
from idf.training.run_lock import lock_run

from ._recipe import check_run, stage_recipe


class MicroBatches(Dataset[dict[str, Any]]):
    """All micro-batches of a run, over all epochs and devices.

    Micro-batch `i` goes to device `i mod devices`, as mmengine's `DefaultSampler(shuffle=False)` deals them out. These are the
    rows that idf's own engine gives the same device in the same step: the order is the data's, so nothing is left to a
    sampler to shuffle, or to forget when a run resumes.

    Args:
        recipe: The stage's recipe, as a dict.

    Attributes:
        steps: Optimizer steps of the run.
        label_tokens: In the global batch of each step.

    Raises:
        UserError: The recipe is wrong, the data cannot be trained on, or the run's folder cannot be resumed.
    """

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        self.recipe = stage_recipe(recipe)
        ranks = get_world_size()
        self.recipe.accumulation_steps(ranks)  # refuses what does not divide
        run, folder = Path(self.recipe.run), find_data(self.recipe)
        check_model(self.recipe.model)
        processor = load_processor(self.recipe.model)
        encoder = Encoder(processor, self.recipe.tokens_per_row, self.recipe.max_pixels)
        if get_rank() == 0:
            lock_run(run)
            check_run(self.recipe, folder.fingerprint(), ranks)
            prepare_tokens(folder, encoder, run, show=True)
        barrier()
        tokens = TokenStore(tokens_folder(folder, encoder, run))
        stage = self.recipe
        self.rows = PackedRows(folder, tokens, stage.tokens_per_row, stage.rows_per_step, stage.seed, stage.order)
        self.steps = steps_in_run(len(self.rows), self.recipe)
        # Seen from one device that takes everything, micro-batches stand in the order in which several take turns.
        self.order = list(micro_batches(len(self.rows), self.recipe, 0, 1, 0, self.steps))
        self.per_step = self.recipe.accumulation_steps(1)
        self.label_tokens = self._label_tokens(tokens.label_counts())
        self.collator = Collator(processor.image_processor, encoder.image_token_id, processor.tokenizer.pad_token_id)

    def _label_tokens(self, of_samples: Sequence[int]) -> list[int]:
        of_rows = [sum(of_samples[i] for i in row) for row in self.rows.rows]
        batches = [sum(of_rows[row] for row in rows) for rows in self.order]
        found = [sum(batches[at : at + self.per_step]) for at in range(0, len(batches), self.per_step)]
        if not all(found):
            raise UserError(f"step {found.index(0) + 1} has nothing to learn from: raise rows_per_step")
        return found

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, i: int) -> dict[str, Any]:
        batch = self.collator([self.rows[row] for row in self.order[i]])
        # Devices and accumulated micro-batches are averaged by DDP, DeepSpeed and mmengine; this factor turns the mean
        # of summed losses into the loss per label token of the whole global batch.
        scale = self.per_step / self.label_tokens[i // self.per_step]
        return {**batch, "scale": torch.tensor(scale, dtype=torch.float64)}


def as_batch(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The collate function: an item is a micro-batch already, and XTuner's models take it as `data`."""
    (batch,) = items
    return {"data": batch, "data_samples": None}
