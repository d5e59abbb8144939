"""Worlds to act in: an episode is a problem, turn by turn. The standard library alone, until a picture is asked for."""

from ._episode import END_OF_EPISODE, Episode, Observation, Step, episodes
from ._options import SHOWS, Options, count_tokens
from ._oracle import Oracle
from ._source import Source

__all__ = [
    "END_OF_EPISODE",
    "SHOWS",
    "Episode",
    "Observation",
    "Options",
    "Oracle",
    "Source",
    "Step",
    "count_tokens",
    "episodes",
]
