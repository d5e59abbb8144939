"""Asking a suite's problems and saying what came out, in accuracy and in tokens."""

from idf.backends import HFBackend, Request, Response

from ._answers import Answers
from ._baselines import BASELINES, baseline_cells, baseline_response
from ._compare import compare
from ._comparison_text import comparison_text, p_text
from ._job import Evaluation, distinct, run_evaluation
from ._leaderboard import leaderboard, leaderboard_text, write_leaderboard
from ._markdown import write_markdown
from ._metrics import summarize
from ._plots import write_summary_png
from ._reading import read_results, read_samples
from ._report import write_report
from ._rescore import Rescoring, rescore
from ._row import Row
from ._run import evaluate, read_responses, score_rows, spread, write_results
from ._statistics import Table as PairTable
from ._statistics import holm, mcnemar, newcombe_paired, student95, student_within, wilson
from ._tables import efficiency_table, side_by_side, table
from ._tokens import per_correct, tokens_of
from ._who import ParserOptions
from ._workers import read_share, run_workers

__all__ = [
    "BASELINES",
    "Answers",
    "Evaluation",
    "HFBackend",
    "PairTable",
    "ParserOptions",
    "Request",
    "Rescoring",
    "Response",
    "Row",
    "baseline_cells",
    "baseline_response",
    "compare",
    "comparison_text",
    "distinct",
    "efficiency_table",
    "evaluate",
    "holm",
    "leaderboard",
    "leaderboard_text",
    "mcnemar",
    "newcombe_paired",
    "p_text",
    "per_correct",
    "read_responses",
    "read_results",
    "read_samples",
    "read_share",
    "rescore",
    "run_evaluation",
    "run_workers",
    "score_rows",
    "side_by_side",
    "spread",
    "student95",
    "student_within",
    "summarize",
    "table",
    "tokens_of",
    "wilson",
    "write_leaderboard",
    "write_markdown",
    "write_report",
    "write_results",
    "write_summary_png",
]
