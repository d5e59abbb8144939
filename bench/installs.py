"""Writes bench/results/installs.json: packages and size of `pip install idf`, `idf[hf]` and `idf[train]`.

`python bench/installs.py --out bench/results/installs.json` makes one environment in a temporary folder (6 GB) and installs
one after another into it; pip, setuptools and Python itself do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from machine import command

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("", "hf", "train")
NOT_OURS = {"pip", "setuptools", "wheel", "idf"}


def main() -> None:
    """Install, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    installs: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, env=clean)
        python = f"{folder}/bin/python"
        empty = _bytes(Path(folder))
        for extra in EXTRAS:
            name = f"idf[{extra}]" if extra else "idf"
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", f"{ROOT}[{extra}]" if extra else ROOT],
                check=True,
                env=clean,
            )
            listed = subprocess.run(
                [python, "-m", "pip", "list", "--format", "json"], check=True, env=clean, capture_output=True
            )
            found = {package["name"].lower(): package["version"] for package in json.loads(listed.stdout)}
            packages = {package: version for package, version in found.items() if package not in NOT_OURS}
            size = (_bytes(Path(folder)) - empty) / 2**30
            installs[name] = {"packages": len(packages), "gib": round(size, 2), "versions": packages}
            print(f"{name}: {len(packages)} packages, {size:.2f} GiB", flush=True)
    result = {"command": command(), "python": sys.version.split()[0], "platform": sys.platform, "installs": installs}
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _bytes(folder: Path) -> int:
    """What the files of a folder hold; links are not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


if __name__ == "__main__":
    main()
