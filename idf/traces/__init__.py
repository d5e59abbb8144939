"""Stage-2 data: teachers that work problems out, and the filter that keeps what provably succeeds."""

from ._filter import Funnel, filter_traces
from ._oracle import TEACHERS, TracesRecipe, build_traces, oracle_response, trace_sample

__all__ = ["TEACHERS", "Funnel", "TracesRecipe", "build_traces", "filter_traces", "oracle_response", "trace_sample"]
