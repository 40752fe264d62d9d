"""`--json`: every document has the fields that docs/json.md describes."""

from __future__ import annotations

import json

from pydag.model.states import State
from tests.support.commands import pydag

TIMES = {"state", "started", "ended", "duration"}
RUN = {"id", "job", "engine", *TIMES, "scheduled_for", "params", "again", "heard", "detail"}
ATTEMPT = {"number", *TIMES, "reason", "exit_status", "signal", "detail", "output_dropped", "host", "usage"}


def document(*arguments: str) -> dict[str, list[dict[str, object]]]:
    done = pydag(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    loaded: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    assert loaded.pop("format") == 1  # type: ignore[comparison-overlap]  # of a parsed document
    return loaded


def test_json_of_list_has_the_documented_fields(history: None) -> None:
    listed = document("list")
    assert set(listed) == {"jobs", "on_gocron_alone"}
    (job,) = listed["jobs"]
    assert set(job) == {"name", "saved", "tasks", "last_run", "schedule"}
    assert set(job["last_run"]) == RUN  # type: ignore[call-overload]  # of a parsed document
    listed = document("list", "--job_name", "TestJob")
    assert set(listed) == {"job", "tasks", "hooks"}
    assert [task["upstream"] for task in listed["tasks"]] == [[], ["t0"], ["t1"]]
    fields = {"name", "command", "upstream", "when", "timeout", "retries", "retry_delay", "cwd", "strict"}
    assert all(set(task) == fields for task in listed["tasks"])


def test_json_of_log_has_the_documented_fields(history: None) -> None:
    log = document("log", "TestJob", "-n=1")
    assert set(log) == {"job", "runs"}
    (newest,) = log["runs"]
    assert set(newest) == {*RUN, "tasks", "hooks"}
    tasks = newest["tasks"]
    assert isinstance(tasks, list)
    assert all(set(task) == {"name", *TIMES, "reason", "upstream", "attempts"} for task in tasks)
    assert [(task["state"], task["reason"]) for task in tasks] == [
        ("success", None),
        ("failed", None),
        ("skipped", "upstream"),
    ]
    assert all(set(attempt) == ATTEMPT for task in tasks for attempt in task["attempts"])
    assert [attempt["exit_status"] for task in tasks for attempt in task["attempts"]] == [0, 3]


def test_json_of_a_task_has_the_output_of_each_attempt(history: None) -> None:
    log = document("log", "TestJob", "--task_name", "t0")
    assert set(log) == {"job", "task", "attempts"}
    assert all(set(attempt) == {*ATTEMPT, "run", "output"} for attempt in log["attempts"])
    assert [attempt["output"] for attempt in log["attempts"]] == ["out\nerr\n"] * 2


def test_json_of_status_has_the_documented_fields(history: None) -> None:
    status = document("status")
    assert set(status) == {"running", "jobs"}
    assert status["running"] == []
    (job,) = status["jobs"]
    assert set(job) == {"name", "last_result", "schedule"}
    last = job["last_result"]
    assert isinstance(last, dict)
    assert set(last) == RUN
    assert last["state"] in {state.value for state in State}
    assert document("status", "TestJob") == status
