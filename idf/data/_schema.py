"""The columns of a dataset's shards."""

from __future__ import annotations

import json

import pyarrow as pa

_TEXT = {"dtype": "string", "_type": "Value"}
# What `datasets` reads from the schema's metadata: without it the images would be plain structs.
_FEATURES = {
    "id": _TEXT,
    "world": _TEXT,
    "difficulty": _TEXT,
    "kind": _TEXT,
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    "messages": {
        "feature": {"role": _TEXT, "content": {"feature": {"type": _TEXT, "text": _TEXT}, "_type": "List"}},
        "_type": "List",
    },
    "meta": _TEXT,
}
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_PART = pa.struct([("type", pa.string()), ("text", pa.string())])
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.list_(_PART))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("world", pa.string()),
        ("difficulty", pa.string()),
        ("kind", pa.string()),
        ("images", pa.list_(IMAGE)),
        ("messages", pa.list_(MESSAGE)),
        ("meta", pa.string()),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)
