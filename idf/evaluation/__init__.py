"""Asking a suite's problems and saying what came out, in accuracy and in tokens."""

from idf.backends import HFBackend, Request, Response

from ._baselines import BASELINES, baseline_cells, baseline_response
from ._metrics import summarize
from ._report import write_report
from ._row import Row
from ._run import evaluate, read_responses, score_rows, spread, write_results
from ._statistics import wilson
from ._tables import efficiency_table, side_by_side, table

__all__ = [
    "BASELINES",
    "HFBackend",
    "Request",
    "Response",
    "Row",
    "baseline_cells",
    "baseline_response",
    "efficiency_table",
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
