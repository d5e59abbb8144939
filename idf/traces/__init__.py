"""Stage-2 data: teachers that work problems out, and the filter that keeps what provably succeeds."""

from ._build import TraceMaker, build_traces, form_of_steps
from ._cells import Cell, held_back
from ._filter import filter_traces
from ._funnel import RULES, Funnel
from ._judge import LEVELS, FilterRecipe, judge_trace
from ._oracle import oracle_response, oracle_trace
from ._recipe import TracesRecipe
from ._teachers import TeacherRecipe, ask, teacher_names

__all__ = [
    "LEVELS",
    "RULES",
    "Cell",
    "FilterRecipe",
    "Funnel",
    "TeacherRecipe",
    "TraceMaker",
    "TracesRecipe",
    "ask",
    "build_traces",
    "filter_traces",
    "form_of_steps",
    "held_back",
    "judge_trace",
    "oracle_response",
    "oracle_trace",
    "teacher_names",
]
