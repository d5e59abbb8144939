"""A page on this machine, for a person: to try a world by hand, or to answer a suite as a model does."""

from ._person import ask_person
from ._scene import try_worlds

__all__ = ["ask_person", "try_worlds"]
