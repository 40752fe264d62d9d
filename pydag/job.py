"""Jobs by the path that programs for gocron import them from."""

from pydag.workflow.job import GoCronJob, Job

__all__ = ["GoCronJob", "Job"]
