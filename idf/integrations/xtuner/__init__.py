"""XTuner 0.2.0 as the engine of both stages: its runner, hooks and DeepSpeed strategy around our data, model and loss.

It needs an environment of its own, which `launch/xtuner.sh --install` makes; see docs/xtuner.md.
"""

from ._data import MicroBatches, as_batch
from ._export import ExportHook
from ._log import StepLog
from ._model import XTunerStage
from ._schedule import StageSchedule
from ._state import PlainState

__all__ = ["ExportHook", "MicroBatches", "PlainState", "StageSchedule", "StepLog", "XTunerStage", "as_batch"]
