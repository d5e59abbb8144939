"""Our model and loss as a model of mmengine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from idf.training.deepspeed import leave_to_gloo
from idf.training.load import load_trainable
from idf.training.model import StageModel

from ._recipe import stage_recipe


class XTunerStage(BaseModel):  # type: ignore[misc]
    """A vision-language model in XTuner: frozen tower and merger, non-reentrant checkpointing, loss per label token.

    Args:
        recipe: The stage's recipe, as a dict.

    Attributes:
        stage: The model, as idf's own engine trains it.
    """

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        super().__init__()
        self.recipe = stage_recipe(recipe)
        if self.recipe.deepspeed is not None and self.recipe.device == "cpu":
            leave_to_gloo()
        self.stage = StageModel(load_trainable(self.recipe, resume=None))

    def init_weights(self) -> None:
        """Nothing: the weights were loaded. mmengine would go through all of them, and write a line on each into its log."""

    def forward(self, data: Mapping[str, Tensor], data_samples: None = None, mode: str = "loss") -> dict[str, Tensor]:
        """The loss of a micro-batch of `MicroBatches`; their mean over devices and accumulation is that of the step."""
        if mode != "loss":
            raise ValueError(f"this model only trains: idf-eval asks its exported folders, mode={mode!r} is not there")
        batch = {name: tensor for name, tensor in data.items() if name not in ("scale", "counts")}
        return {"loss": self.stage(**batch) * data["scale"].float()}


def bare(model: Any) -> XTunerStage:
    """The model itself, without what DDP or DeepSpeed put around it."""
    found = getattr(model, "module", model)
    if not isinstance(found, XTunerStage):
        raise TypeError(f"idf's hooks go with the model XTunerStage, not with {type(found).__name__}")
    return found
