"""Does imagining first pay? The miniature study: its arms, its runs, and what they come to.

It is not installed with idf: it starts the commands of idf, process by process, and reads what they write.

    bash bench/study/run.sh          runs it
    python -m bench.study.report     draws its tables and figures
    python -m bench.study.walks      asks its runs what imagery taught
"""

from ._arms import Epoch, Run, all_runs, run_of, same_labels, split_budget
from ._outcome import Study, read_study, write_json
from ._recipe import ARMS, StudyRecipe
from ._statistics import Effect, accuracy, difference
from ._story import report_so_far, run_study
from ._summary import EVERY, summarize
from ._tables import LEVEL, NAMES, NO_CLAIM, PLAYERS, highlights, tables, unfinished

__all__ = [
    "ARMS",
    "EVERY",
    "LEVEL",
    "NAMES",
    "NO_CLAIM",
    "PLAYERS",
    "Effect",
    "Epoch",
    "Run",
    "Study",
    "StudyRecipe",
    "accuracy",
    "all_runs",
    "difference",
    "highlights",
    "read_study",
    "report_so_far",
    "run_of",
    "run_study",
    "same_labels",
    "split_budget",
    "summarize",
    "tables",
    "unfinished",
    "write_json",
]
