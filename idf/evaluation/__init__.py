"""Asking a suite's problems and saying what came out, in accuracy and in tokens."""

from idf.backends import HFBackend, Request, Response

from .metrics.baselines import BASELINES, baseline_cells, baseline_response
from .metrics.compare import compare
from .metrics.results import read_results, read_samples
from .metrics.row import Row
from .metrics.statistics import Table as PairTable
from .metrics.statistics import holm, mcnemar, newcombe_paired, student95, student_within, wilson
from .metrics.summary import summarize
from .metrics.tokens import per_correct, tokens_of
from .report.comparison import comparison_text, p_text, points
from .report.exercises import exercise_table
from .report.growth import growth_as, growths
from .report.leaderboard import leaderboard, leaderboard_text
from .report.leaderboard_files import write_leaderboard
from .report.markdown import write_markdown
from .report.plots import check_figure, draw_growth, write_summary_png
from .report.report import write_report
from .report.side_by_side import FORMS, form_of, side_by_side, written_as
from .report.tables import aligned, efficiency_table, table
from .run.answers import Answers
from .run.audit import draw_audit, take_marks
from .run.evaluate import evaluate
from .run.evaluation import max_pixels_of, run_evaluation
from .run.items import spread
from .run.output import EXERCISES
from .run.prompts import to_score, write_prompts
from .run.recipe import EvaluationRecipe, ParserRecipe
from .run.rescore import Rescoring, rescore
from .run.responses import read_responses
from .run.results import write_results
from .run.score import score_rows
from .run.sweep import run_sweep
from .run.workers import read_share, run_workers

__all__ = [
    "BASELINES",
    "EXERCISES",
    "FORMS",
    "Answers",
    "EvaluationRecipe",
    "HFBackend",
    "PairTable",
    "ParserRecipe",
    "Request",
    "Rescoring",
    "Response",
    "Row",
    "aligned",
    "baseline_cells",
    "baseline_response",
    "check_figure",
    "compare",
    "comparison_text",
    "draw_audit",
    "draw_growth",
    "efficiency_table",
    "evaluate",
    "exercise_table",
    "form_of",
    "growth_as",
    "growths",
    "holm",
    "leaderboard",
    "leaderboard_text",
    "max_pixels_of",
    "mcnemar",
    "newcombe_paired",
    "p_text",
    "per_correct",
    "points",
    "read_responses",
    "read_results",
    "read_samples",
    "read_share",
    "rescore",
    "run_evaluation",
    "run_sweep",
    "run_workers",
    "score_rows",
    "side_by_side",
    "spread",
    "student95",
    "student_within",
    "summarize",
    "table",
    "take_marks",
    "to_score",
    "tokens_of",
    "wilson",
    "write_leaderboard",
    "write_markdown",
    "write_prompts",
    "write_report",
    "write_results",
    "write_summary_png",
    "written_as",
]
