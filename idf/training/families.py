"""The model families that the stages train: three with one layout of parts, so that one code serves all of them."""

from __future__ import annotations

from idf.errors import UserError

FAMILIES = {"qwen2_vl": "Qwen2-VL", "qwen2_5_vl": "Qwen2.5-VL", "qwen3_vl": "Qwen3-VL (dense)"}
"""`model_type` of a model's config -> its name."""


def check_family(model_type: str, of: str) -> None:
    """Refuse a model of another family.

    Args:
        model_type: As its config says.
        of: The model's name, for the message.

    Raises:
        UserError: It is none of FAMILIES.
    """
    if model_type not in FAMILIES:
        known = ", ".join(f"{name} ({kind})" for kind, name in FAMILIES.items())
        raise UserError(f"{of} is a model of type {model_type}, which cannot be trained here; supported are {known}")
