"""Jobs by the path that programs for gocron import them from."""

from pydag.cli import excepthook
from pydag.workflow.job import GoCronJob, Job

__all__ = ["GoCronJob", "Job"]

excepthook.install()  # such a program makes a `PyGoCron` before pydag can do anything else for it
