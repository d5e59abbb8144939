"""The tasks of inspect_ai: `inspect eval idf/spatialite -T suite=DIR -T mode=vqa --model ...`, and `idf/episodes`, over turns."""

from ._episodes import episodes
from ._scorer import replay, wilson
from ._simulate import simulate
from ._task import spatialite

__all__ = ["episodes", "replay", "simulate", "spatialite", "wilson"]
