"""Asking a suite's problems and saying what came out, in accuracy and in tokens."""

from idf.backends import HFBackend, Request, Response

from ._baselines import BASELINES, baseline_response
from ._metrics import summarize, wilson
from ._report import write_report
from ._row import Row
from ._run import evaluate, read_responses, score_rows, spread, write_results
from ._tables import side_by_side, table

__all__ = [
    "BASELINES",
    "HFBackend",
    "Request",
    "Response",
    "Row",
    "baseline_response",
    "evaluate",
    "read_responses",
    "score_rows",
    "side_by_side",
    "spread",
    "summarize",
    "table",
    "wilson",
    "write_report",
    "write_results",
]
