"""Tasks by the path that programs for gocron import them from."""

from pydag.workflow.tasks.base import Task
from pydag.workflow.tasks.gocron import GoCronTask
from pydag.workflow.tasks.http import HttpTask

__all__ = ["GoCronTask", "HttpTask", "Task"]
