"""From a response's text to a verdict. Pure: no torch, no files, no network."""

from ._parse import final_answer, parse_answer, write_answer
from ._score import ERRORS, Verdict, score

__all__ = ["ERRORS", "Verdict", "final_answer", "parse_answer", "score", "write_answer"]
