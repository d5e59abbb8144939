"""Other spatial benchmarks before and after training, through lmms-eval, as one paired table."""

from ._benchmarks import SETS, Benchmark, choose
from ._installed import LmmsTasks
from ._paired import compare_scores
from ._run import TransferPlan, run_transfer
from ._table import transfer_markdown, transfer_text
from ._transfer import check_out, compare_all, compare_logs, write_transfer

__all__ = [
    "SETS",
    "Benchmark",
    "LmmsTasks",
    "TransferPlan",
    "check_out",
    "choose",
    "compare_all",
    "compare_logs",
    "compare_scores",
    "run_transfer",
    "transfer_markdown",
    "transfer_text",
    "write_transfer",
]
