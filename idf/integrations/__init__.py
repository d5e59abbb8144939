"""Thin adapters to other people's harnesses: each asks our prompts and scores with `idf.scoring.score`, and nothing else."""

from ._hub import write_hub_layout
from ._lmms import import_lmms
from ._paths import PATHS, adapter_path

__all__ = ["PATHS", "adapter_path", "import_lmms", "write_hub_layout"]
