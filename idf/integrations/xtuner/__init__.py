"""XTuner 0.2.0 as the engine of both stages: its runner, hooks and DeepSpeed strategy around our data, model and loss.

It needs an environment of its own, which `launch/xtuner.sh --install` makes; see docs/xtuner.md. Only `config` is imported
here, and it needs none of XTuner.
"""

from ._config import BASES, Settings, config

__all__ = ["BASES", "Settings", "config"]
