"""Samples, the parquet folders they live in, and how they are made in parallel."""

from ._build import Choice, Draft, Maker, Row, build_dataset, choose_rows
from ._engine import ENGINES, Engine, LocalEngine, WorkerDied, cores, keep_memory, open_engine
from ._folder import (
    ROWS_PER_SHARD,
    Block,
    DatasetFolder,
    open_dataset,
    refuse_existing,
    write_dataset,
    write_shard,
)
from ._mix import check_mix, content_key, pick
from ._mixture import MIXTURE, mix_datasets
from ._sample import Sample, conversation, text_of
from ._shortcuts import measure_shortcuts
from ._slots import Slot, allot_slots, share_out
from ._stats import in_order, measure_dataset
from ._tokens import SPLIT, EstimatedTokens, Lengths, TokenCounter, size_of_picture

__all__ = [
    "ENGINES",
    "MIXTURE",
    "ROWS_PER_SHARD",
    "SPLIT",
    "Block",
    "Choice",
    "DatasetFolder",
    "Draft",
    "Engine",
    "EstimatedTokens",
    "Lengths",
    "LocalEngine",
    "Maker",
    "Row",
    "Sample",
    "Slot",
    "TokenCounter",
    "WorkerDied",
    "allot_slots",
    "build_dataset",
    "check_mix",
    "choose_rows",
    "content_key",
    "conversation",
    "cores",
    "in_order",
    "keep_memory",
    "measure_dataset",
    "measure_shortcuts",
    "mix_datasets",
    "open_dataset",
    "open_engine",
    "pick",
    "refuse_existing",
    "share_out",
    "size_of_picture",
    "text_of",
    "write_dataset",
    "write_shard",
]
