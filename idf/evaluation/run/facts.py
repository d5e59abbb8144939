"""What `run` says of the items that were asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from idf.suites import Item, distinct, task_key, task_to_json


def facts_of(items: Sequence[Item]) -> dict[str, Any]:
    """The fingerprint of the items (ids and what they ask, pictures aside), their number, and that of different problems."""
    asked = [[item.id, *task_to_json(item.task).values()] for item in items]
    sha = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    return {"suite_sha256": sha, "items": len(items), "distinct_items": len(distinct(items))}


def cluster_of(item: Item) -> str:
    """The problem that an item poses, as a text; items that pose the same one, or images of it, share it."""
    return task_key(item) if item.group is None else f"images of {item.group}"
