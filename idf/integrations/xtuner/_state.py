"""Going on from a checkpoint of mmengine without unpickling whatever a file says."""

from __future__ import annotations


def allow_mmengine_state() -> None:
    """Let `torch.load` read mmengine's state as data.

    mmengine 0.10.7 calls it as if it still unpickled anything; since 2.6 torch refuses classes that nobody allowed. The usual
    advice, TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1, would allow all of them. The log's history needs one, and NumPy's arrays.
    """
    import numpy as np
    from mmengine.logging.history_buffer import HistoryBuffer
    from torch.serialization import add_safe_globals

    rebuild = np.array(0).__reduce__()[0]  # where it lies depends on NumPy's version
    kinds = {type(np.dtype(kind)) for kind in ("float64", "int64", "float32", "int32", "bool")}
    add_safe_globals([HistoryBuffer, rebuild, np.ndarray, np.dtype, *kinds])
