"""Run a workflow written in one Python file, and see what happened."""

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
from pydag.job import Job
from pydag.run import Attempt, Run, RunRecord, TaskRun
from pydag.state import Reason, State, When
from pydag.task import Task

__all__ = [
    "Attempt",
    "CycleError",
    "EngineError",
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
