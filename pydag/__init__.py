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
        StoreError,
    )
    from pydag.model.run import Attempt, Run, RunFailed, RunRecord, TaskRun
    from pydag.model.states import Reason, State, When
    from pydag.workflow.job import GoCronJob, Job
    from pydag.workflow.params.param import param
    from pydag.workflow.tasks.base import Task
    from pydag.workflow.tasks.gocron import GoCronTask
    from pydag.workflow.tasks.http import HttpTask

__version__ = "0.1.0"

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
    "param",
]

if not TYPE_CHECKING:
    # A name is imported when it is first used: `pydag --help` and the shell's completion need none of them.
    _MODULES = {
        "model.run": ("Attempt", "Run", "RunFailed", "RunRecord", "TaskRun"),
        "model.states": ("Reason", "State", "When"),
        "workflow.job": ("GoCronJob", "Job"),
        "workflow.params.param": ("param",),
        "workflow.tasks.base": ("Task",),
        "workflow.tasks.gocron": ("GoCronTask",),
        "workflow.tasks.http": ("HttpTask",),
    }

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = next((module for module, names in _MODULES.items() if name in names), "errors")
        value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
        return value
