"""Run a workflow written in one Python file, and see what happened."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydag.errors import (
        CycleError,
        EngineError,
        InvalidJob,
        InvalidSetting,
        LoadError,
        NotFound,
        PyDagException,
        RunFailed,
        StoreError,
    )
    from pydag.job import GoCronJob, Job
    from pydag.run import Attempt, Run, RunRecord, TaskRun
    from pydag.state import Reason, State, When
    from pydag.task import GoCronTask, HttpTask, Task

__all__ = [
    "Attempt",
    "CycleError",
    "EngineError",
    "GoCronJob",
    "GoCronTask",
    "HttpTask",
    "InvalidJob",
    "InvalidSetting",
    "Job",
    "LoadError",
    "NotFound",
    "PyDagException",
    "Reason",
    "Run",
    "RunFailed",
    "RunRecord",
    "State",
    "StoreError",
    "Task",
    "TaskRun",
    "When",
]

if not TYPE_CHECKING:
    # A name is imported when it is first used: `pydag --help` and the shell's completion need none of them.
    _MODULES = {
        name: module
        for module, names in {
            "errors": [
                "CycleError",
                "EngineError",
                "InvalidJob",
                "InvalidSetting",
                "LoadError",
                "NotFound",
                "PyDagException",
                "RunFailed",
                "StoreError",
            ],
            "job": ["GoCronJob", "Job"],
            "run": ["Attempt", "Run", "RunRecord", "TaskRun"],
            "state": ["Reason", "State", "When"],
            "task": ["GoCronTask", "HttpTask", "Task"],
        }.items()
        for name in names
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value
