"""Other spatial benchmarks before and after training, through lmms-eval, as one paired table."""

from ._benchmarks import SETS, Benchmark, choose
from ._installed import LmmsTasks
from ._paired import compare_scores
from ._run import TransferPlan, run_transfer
from ._scores import read_logs
from ._table import transfer_markdown, transfer_text
from ._transfer import compare_all, compare_logs, write_transfer

__all__ = [
    "SETS",
    "Benchmark",
    "LmmsTasks",
    "TransferPlan",
    "choose",
    "compare_all",
    "compare_logs",
    "compare_scores",
    "read_logs",
    "run_transfer",
    "transfer_markdown",
    "transfer_text",
    "write_transfer",
]
