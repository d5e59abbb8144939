"""The task `idf/spatialite` of inspect_ai: `inspect eval idf/spatialite -T suite=DIR -T mode=vqa --model ...`."""

from ._scorer import replay, wilson
from ._task import spatialite

__all__ = ["replay", "spatialite", "wilson"]
