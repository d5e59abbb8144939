"""The tasks of lmms-eval; `idf paths lmms-eval` names the folder `tasks`."""
