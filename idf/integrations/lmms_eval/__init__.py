"""The tasks of lmms-eval, ours; `idf paths lmms-eval` names the folder `tasks`."""
