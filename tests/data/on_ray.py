"""Commands of `idf` on one small Ray cluster. Arguments: rows per shard, then a JSON list of commands."""

from __future__ import annotations

import json
import sys

import ray

from idf.cli.main import main
from idf.data import _build, open_engine
from idf.errors import UserError


def full(task: int) -> None:
    raise _build.DiskFull(f"no room for {task}")


if __name__ == "__main__":
    _build.ROWS_PER_SHARD = int(sys.argv[1])
    ray.init(num_cpus=2, object_store_memory=80 * 2**20, include_dashboard=False, log_to_driver=False)
    try:
        for command in json.loads(sys.argv[2]):
            try:
                main(command)
            except SystemExit as ended:
                print("status", ended.code)
        with open_engine("ray", 2) as engine:
            try:
                list(engine.run(full, [7]))
            except UserError as error:
                print("refused", type(error).__name__, error)
        print("still connected", ray.is_initialized())
    finally:
        ray.shutdown()
