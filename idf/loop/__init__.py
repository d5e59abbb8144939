"""Rounds of measuring, drawing, filtering, training: a loop that chooses its problems by what the checkpoint can do."""

from ._cells import success_by_cell, weigh
from ._loop import run_loop
from ._recipe import LoopRecipe, ProbeRecipe, TrainRecipe

__all__ = ["LoopRecipe", "ProbeRecipe", "TrainRecipe", "run_loop", "success_by_cell", "weigh"]
