"""Asking a suite's problems and saying what came out, in accuracy and in tokens."""

from idf.backends import HFBackend, Request, Response

from ._answers import Answers
from ._baselines import BASELINES, baseline_response
from ._job import Evaluation, distinct, run_evaluation
from ._metrics import summarize, wilson
from ._report import side_by_side, table, write_report
from ._row import Row
from ._run import evaluate, read_responses, score_rows, spread, write_results
from ._workers import read_share, run_workers

__all__ = [
    "BASELINES",
    "Answers",
    "Evaluation",
    "HFBackend",
    "Request",
    "Response",
    "Row",
    "baseline_response",
    "distinct",
    "evaluate",
    "read_responses",
    "read_share",
    "run_evaluation",
    "run_workers",
    "score_rows",
    "side_by_side",
    "spread",
    "summarize",
    "table",
    "wilson",
    "write_report",
    "write_results",
]
