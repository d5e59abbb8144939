"""What inspect_ai finds through the entry point of idf."""

from ._scorer import replay, wilson
from ._task import spatialite

__all__ = ["replay", "spatialite", "wilson"]
