"""Thin adapters to other people's harnesses: each asks our prompts and scores with `idf.scoring.score`, and nothing else."""
