"""Backends: what the job and the settings name is what is made; a name that is unknown is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydag import InvalidJob, Job, Task
from tests.support.commands import pydag, simple


@pytest.mark.parametrize("mode", ["execute", "submit"])
def test_an_engine_that_is_unknown_is_refused_before_anything_is_kept(mode: str, own_home: Path) -> None:
    with Job("J", engine="dask") as job:
        Task("t", "touch ran")
    with pytest.raises(InvalidJob) as caught:
        job.run(mode)  # type: ignore[call-overload]  # of a parameter
    assert str(caught.value) == "job 'J': engine='dask' is unknown; use one of 'local', 'gocron'"
    assert not Path("ran").exists()
    assert not own_home.exists()


@pytest.mark.parametrize("command", [["run"], ["submit", "--cron=@daily", "--dry-run"]])
def test_the_commands_refuse_it_too(command: list[str], own_home: Path) -> None:
    file = simple("touch ran")
    Path(file).write_text(Path(file).read_text().replace("Job('TestJob')", "Job('TestJob', engine=['local'])"))
    done = pydag(*command, file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pydag: job 'TestJob': engine=['local'] is unknown; use one of 'local', 'gocron'\n"
    assert not own_home.exists()
