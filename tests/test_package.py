"""What the package offers as a whole: names, types, a version."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files

import pytest

import pydag
from pydag import job, task


def test_the_version_is_that_of_the_distribution() -> None:
    assert pydag.__version__ == version("pydag-workflow")


def test_type_checkers_are_told_that_the_package_has_types() -> None:
    assert files("pydag").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", pydag.__all__)
def test_each_public_name_can_be_imported(name: str) -> None:
    assert getattr(pydag, name).__module__.startswith("pydag.")


def test_programs_for_gocron_find_jobs_and_tasks_by_their_old_paths() -> None:
    assert (job.Job, job.GoCronJob) == (pydag.Job, pydag.GoCronJob)
    assert (task.Task, task.GoCronTask, task.HttpTask) == (pydag.Task, pydag.GoCronTask, pydag.HttpTask)
