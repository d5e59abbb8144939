"""Draws the pictures of the README: `python docs/make_pictures.py`."""

from pathlib import Path

from idf.drawing import draw, encode_png
from idf.worlds import WORLDS, sample_problem

OUT = Path(__file__).parent / "pictures"
MAX_PIXELS = 300_000

for name, world in WORLDS.items():
    problem = sample_problem(world, seed=3, split="eval", index=1, difficulty="medium")
    (OUT / f"{name}.png").write_bytes(encode_png(draw(problem, MAX_PIXELS)))
