"""Samples, the parquet folders they live in, and how they are made in parallel."""

from ._build import Slot, build_dataset, plan_slots
from ._folder import DatasetFolder, open_dataset, write_dataset
from ._mix import check_mix, content_key, pick
from ._sample import Sample, conversation, text_of

__all__ = [
    "DatasetFolder",
    "Sample",
    "Slot",
    "build_dataset",
    "check_mix",
    "content_key",
    "conversation",
    "open_dataset",
    "pick",
    "plan_slots",
    "text_of",
    "write_dataset",
]
