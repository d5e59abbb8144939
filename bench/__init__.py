"""Measurements and the miniature study: run from a checkout, not installed with idf."""
