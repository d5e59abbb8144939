"""What backends share that load a checkpoint: what can be said of it before it is loaded."""

from __future__ import annotations

from pathlib import Path

from idf.errors import UserError

from ._backend import Backend
from ._base import check_base
from ._fingerprint import adapter_base, weights_fingerprint
from ._request import ModelSpec


class CheckpointBackend(Backend):
    """A backend whose model is a folder or a hub name."""

    @classmethod
    def check(cls, spec: ModelSpec) -> None:
        """As `Backend.check`; a checkpoint is no file."""
        super().check(spec)
        if Path(spec.model).is_file():
            raise UserError(
                f"{spec.model} is a file, and a checkpoint is a folder: stored responses go with --responses FILE"
            )


def checkpoint_fingerprint(checkpoint: str, *, whole: bool = False, quantised: bool = False) -> str:
    """The fingerprint of the weights; what cannot answer as it lies there is refused before a suite is made.

    Args:
        checkpoint: A folder or a hub name. Of a hub name, loading says what is wrong with it.
        whole: Whether to read all bytes of the weights.
        quantised: Whether quantised weights are welcome.

    Raises:
        UserError: The checkpoint is not there, or cannot answer (`check_base`).
    """
    if Path(checkpoint).is_file():
        raise UserError(
            f"{checkpoint} is a file, and a checkpoint is a folder: stored responses go with --responses FILE"
        )
    if not Path(checkpoint).is_dir() and checkpoint.startswith((".", "/", "checkpoints/")):
        raise UserError(f"no checkpoint in {checkpoint}")
    weighed = adapter_base(Path(checkpoint)) or checkpoint
    if Path(weighed).is_dir():
        check_base(weighed, quantised=quantised)
    return weights_fingerprint(checkpoint, whole=whole)
