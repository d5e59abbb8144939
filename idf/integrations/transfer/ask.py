"""The process that asks one model: `python -m idf.integrations.transfer.ask PLAN.json`. Started by `idf transfer`.

lmms-eval loads the model once; each task is written to its own folder when it is done, so that a killed command loses one task.
"""

from __future__ import annotations

import json
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any


def load(plan: dict[str, Any]) -> Any:
    """The model of a plan, by idf's class or one of lmms-eval."""
    from lmms_eval import models
    from lmms_eval.utils import simple_parse_args_string

    from .lmms_model import TransformersModel

    if plan["model"] == "idf":
        return TransformersModel(**simple_parse_args_string(plan["model_args"]))
    told = {"batch_size": plan["batch_size"], "device": plan["device"]}
    return models.get_model(plan["model"]).create_from_arg_string(plan["model_args"], told)


def main(plan: dict[str, Any]) -> None:
    """Ask a model the tasks of a plan.

    Args:
        plan: "out"; "tasks"; "limit"; "model", "idf" or a class of lmms-eval; "model_args", "device", "batch_size" as
            lmms-eval takes them; "include",
            the folder of idf's tasks; "only_ours", whether all tasks are there.
    """
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.tasks import TaskManager
    from lmms_eval.utils import handle_non_serializable

    lm = load(plan)
    manager = TaskManager(
        include_path=plan["include"], include_defaults=not plan["only_ours"], model_name=plan["model"]
    )
    for task in plan["tasks"]:
        print(f"idf transfer: {task}", flush=True)
        out, part = Path(plan["out"]) / task, Path(plan["out"]) / f"{task}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            found = simple_evaluate(
                model=lm,
                model_args=plan["model_args"],
                tasks=[task],
                limit=plan["limit"],
                batch_size=plan["batch_size"],
                device=plan["device"],
                task_manager=manager,
                log_samples=True,
                bootstrap_iters=0,
            )
        except Exception as error:  # of a task, its data or its code: the others are still asked, and the table says it
            traceback.print_exc()
            shutil.rmtree(part)
            why = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
            (Path(plan["out"]) / f"{task}.failed").write_text(why[:400], encoding="utf-8")
            continue
        for name, samples in found.pop("samples").items():
            with (part / f"samples_{name}.jsonl").open("w", encoding="utf-8") as file:
                for sample in samples:
                    kept = {key: value for key, value in sample.items() if key not in ("doc", "arguments")}
                    file.write(json.dumps(kept, default=handle_non_serializable, ensure_ascii=False) + "\n")
        (part / "results.json").write_text(json.dumps(found, default=handle_non_serializable), encoding="utf-8")
        part.rename(out)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
