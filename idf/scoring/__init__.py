"""From a response's text to a verdict. Pure: no torch, no files, no network."""

from ._claims import Claim, Reading, read_trace
from ._parse import final_answer, parse_answer, write_answer
from ._process import replay_claims
from ._score import ERRORS, Verdict, score

__all__ = [
    "ERRORS",
    "Claim",
    "Reading",
    "Verdict",
    "final_answer",
    "parse_answer",
    "read_trace",
    "replay_claims",
    "score",
    "write_answer",
]
