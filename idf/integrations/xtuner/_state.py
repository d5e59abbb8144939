"""Checkpoints of mmengine that hold data alone, so that nothing has to be unpickled to go on."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook


class PlainState(Hook):  # type: ignore[misc]
    """Leaves out of XTuner's checkpoints what torch would have to be allowed to run code for.

    mmengine pickles its log history as objects with methods. Since torch 2.6 loading such a file fails, and the usual
    advice, TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1, lets a file run whatever it says. What is left out is only the smoothing
    window of mmengine's own log; weights, optimizer, schedule and progress stay.
    """

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Strip mmengine's messages down to plain values."""
        told = checkpoint["message_hub"]["runtime_info"]
        plain = {key: value for key, value in told.items() if _is_plain(value)}
        kept = {key: True for key in plain}
        checkpoint["message_hub"] = {"log_scalars": {}, "runtime_info": plain, "resumed_keys": kept}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    return value is None or type(value) in (bool, int, float, str)
