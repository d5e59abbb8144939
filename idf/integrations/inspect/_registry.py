"""What inspect_ai finds through the entry point of idf."""

from ._episodes import act, episodes
from ._scorer import replay, solved, wilson
from ._simulate import simulate
from ._task import spatialite

__all__ = ["act", "episodes", "replay", "simulate", "solved", "spatialite", "wilson"]
