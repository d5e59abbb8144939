"""Hash the items of a clone of SpatiaLite into `idf/suites/published.json`, so that training data can avoid them.

    python tools/make_published.py SPATIALITE_DIR

The file holds hashes alone, nothing of the benchmark itself. The committed one was made from the 270 items that we had
(450 rows with the variants of the same items); run this with a full clone to cover all, or name the clone in a recipe.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from idf.suites import hash_clone

TARGET = Path(__file__).resolve().parent.parent / "idf" / "suites" / "published.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spatialite", type=Path, help="a clone of SpatiaLite")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    found = hash_clone(arguments.spatialite)
    arguments.out.write_text(json.dumps(found.to_json(), indent=1) + "\n")
    for world, levels in found.hashes.items():
        print(world, {level: len(hashes) for level, hashes in levels.items()})
    print(f"{sum(found.files.values())} rows of {len(found.files)} files -> {arguments.out}")


if __name__ == "__main__":
    main()
