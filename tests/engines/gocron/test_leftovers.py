"""What a killed pydag left on gocron is stopped where it is certainly its own, and named where it is not."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta

from pydag.engines.gocron import leftovers
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from tests.support.commands import PYDAG, pydag, started
from tests.support.gocron_schedules import server, write
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually

__all__ = ["server"]


def running(lab: Lab) -> list[int]:
    """The rows of the job's tasks that run."""
    ids = {task.id for task in lab.client.tasks(tag=lab.prefix)}
    return [row.id for row in lab.client.running() if row.task_id in ids]


def spec_of(lab: Lab) -> JobSpec:
    return JobSpec(name=lab.prefix, tasks=(TaskSpec(name="t0", action=Shell("sleep 60")),))


def test_stop_ends_what_a_killed_pydag_left_on_gocron(server: Lab) -> None:
    write(server, "sleep 60", engine="gocron")
    with started(*PYDAG, "run", "flow.py") as process:
        eventually(lambda: running(server))
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    assert len(running(server)) == 1, "the fault did not fire: nothing was left"
    done = pydag("stop", server.prefix)
    assert (done.returncode, done.stderr) == (0, "")
    assert running(server) == []
    (run,) = json.loads(pydag("log", server.prefix, "--json").stdout)["runs"]
    assert (run["state"], run["tasks"][0]["state"]) == ("lost", "lost")
    assert pydag("delete", server.prefix).returncode == 0


def test_a_row_that_may_be_somebody_elses_is_named_and_goes_on(server: Lab) -> None:
    server.client.store_task(server.form("sleep 60", name=f"{server.prefix}:t0"))
    (task,) = server.client.tasks(tag=server.prefix)
    server.client.run_task(task.id)
    (row,) = eventually(lambda: running(server))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    (named,) = leftovers.stop_left(server.client, spec_of(server), {0: long_ago})
    assert named == f"'{server.prefix}:t0' on gocron (row {row} of its log) may be somebody else's"
    assert running(server) == [row]
    assert leftovers.stop_left(server.client, spec_of(server), {0: datetime.now(UTC)}) == []
    assert running(server) == []
    server.client.delete_task(task.id)
