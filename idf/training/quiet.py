"""What libraries say, from one rank alone: 32 ranks that warn of the same thing hide what one of them has to say."""

from __future__ import annotations

import logging
import os
import warnings

BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")
"""Progress bars of huggingface_hub and transformers, and of datasets."""


def silence_libraries() -> None:
    """Silence warnings, logs and progress bars of libraries on every rank but the first.

    To be called before torch and transformers are imported, which read the environment then. Errors are still logged, and
    what idf itself says is not touched. A variable that the user has set stays.
    """
    if int(os.environ.get("RANK", "0")) == 0:
        return
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # c10d and autograd, which write from C++
    for name in BARS:
        os.environ.setdefault(name, "1")
