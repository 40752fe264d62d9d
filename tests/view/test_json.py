from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pydag.model.actions import Shell
from pydag.model.run import Attempt, AttemptOutput, JobEntry, RunRecord, Usage
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State
from pydag.schedule.schedulers.base import Upcoming
from pydag.testing import HOSTILE_NAMES, START, at
from pydag.view import json as json_view
from tests.support.samples import (
    BAD,
    GOOD,
    TEST_JOB,
    all_well,
    failed,
    job,
    run_of,
    running,
    success,
)

NOW = at(60)


def entry(name: str, record: RunRecord | None = None) -> JobEntry:
    return JobEntry(name=name, saved=START, tasks=5, last_run=record.run if record else None)


def test_a_run_in_the_log_has_the_documented_fields() -> None:
    document = json.loads(json_view.log("TestJob", [BAD], now=NOW))
    assert document.keys() == {"format", "job", "runs"}
    assert document["format"] == 1
    (run,) = document["runs"]
    assert len(run.pop("tasks")) == len(BAD.tasks)
    assert run == {
        "id": "r0",
        "job": "TestJob",
        "engine": "local",
        "state": "failed",
        "started": "2022-12-26T15:28:01.123457+00:00",
        "ended": "2022-12-26T15:28:15.323457+00:00",
        "duration": 14.2,
        "scheduled_for": None,
        "params": {},
        "again": None,
        "heard": None,
        "detail": "",
        "hooks": [],
    }


def test_a_task_in_the_log_has_the_documented_fields() -> None:
    (run,) = json.loads(json_view.log("TestJob", [BAD], now=NOW))["runs"]
    tasks = run["tasks"]
    assert tasks[1] == {
        "name": "Feature Engineering1",
        "state": "failed",
        "started": "2022-12-26T15:28:03.123457+00:00",
        "ended": "2022-12-26T15:28:03.623457+00:00",
        "duration": 0.5,
        "reason": None,
        "upstream": ["Sync Data"],
        "attempts": [
            {
                "number": 1,
                "state": "failed",
                "started": "2022-12-26T15:28:03.123457+00:00",
                "ended": "2022-12-26T15:28:03.623457+00:00",
                "duration": 0.5,
                "reason": None,
                "exit_status": 1,
                "signal": None,
                "detail": "",
                "output_dropped": 0,
                "host": "",
                "usage": None,
            }
        ],
    }
    assert tasks[3]["state"] == "skipped"
    assert tasks[3]["reason"] == "upstream"
    assert tasks[3]["attempts"] == []


def test_the_hooks_that_ran_are_in_the_json_of_a_run_alone_and_in_a_list() -> None:
    spec = replace(TEST_JOB, hooks=(TaskSpec(name="on_end", action=Shell("true")),))
    record = run_of(spec, [success(0, 0, 1), success(len(spec.tasks), 2, 3)])
    (run,) = json.loads(json_view.log("TestJob", [record], now=NOW))["runs"]
    assert [(hook["name"], hook["state"], hook["duration"]) for hook in run["hooks"]] == [("on_end", "success", 1.0)]
    text = json_view.run(record, now=NOW)
    assert json.loads(text) == {"format": 1, **run}
    assert text.count("\n") == text.endswith("\n") == 1


@pytest.mark.parametrize("memory", [45_600_000, None])
def test_in_json_what_an_attempt_used_is_seconds_and_bytes(memory: int | None) -> None:
    attempt = success(0, 0, 1)._replace(usage=Usage(0.71, 0.05, memory))
    run = json.loads(json_view.log("TestJob", [run_of(TEST_JOB, [attempt])], now=NOW))["runs"][0]
    usage = {"user_cpu": 0.71, "system_cpu": 0.05, "largest_process_peak_memory": memory}
    assert run["tasks"][0]["attempts"][0]["usage"] == usage


def test_json_times_are_in_utc() -> None:
    east = timezone(timedelta(hours=8))
    jobs = [JobEntry(name="J", saved=datetime(2022, 12, 26, 23, 0, tzinfo=east), tasks=1, last_run=None)]
    assert json.loads(json_view.jobs(jobs, {}, [], now=NOW)) == {
        "format": 1,
        "jobs": [
            {"name": "J", "saved": "2022-12-26T15:00:00.000000+00:00", "tasks": 1, "last_run": None, "schedule": None}
        ],
        "on_gocron_alone": [],
    }


def test_in_json_a_running_task_lasts_until_now_and_a_lost_one_has_no_duration() -> None:
    lost = Attempt(task=1, number=1, state=State.LOST, started=START)
    record = run_of(TEST_JOB, [running(0, 10), lost], State.RUNNING, ended=None)
    run = json.loads(json_view.log("TestJob", [record], now=NOW))["runs"][0]
    assert (run["ended"], run["duration"]) == (None, 60.0)
    assert [task["duration"] for task in run["tasks"][:3]] == [50.0, None, None]


def test_the_tasks_and_hooks_of_a_job_as_json_have_no_env() -> None:
    action = Shell("echo", env=(("TOKEN", "secret"),))
    spec = JobSpec(name="J", tasks=(TaskSpec("a", action),), hooks=(TaskSpec("on_end", action),))
    text = json_view.tasks(spec)
    assert "secret" not in text
    tasks, hooks = json.loads(text)["tasks"], json.loads(text)["hooks"]
    assert [{**hook, "name": "a"} for hook in hooks] == tasks
    assert (hooks[0]["name"], tasks) == (
        "on_end",
        [
            {
                "name": "a",
                "command": "echo",
                "upstream": [],
                "when": "success",
                "timeout": None,
                "retries": 0,
                "retry_delay": 0.0,
                "cwd": None,
                "strict": False,
            }
        ],
    )


def test_the_status_as_json_counts_tasks_by_state() -> None:
    going = run_of(TEST_JOB, [success(0, 0, 1), running(1, 1)], State.RUNNING, ended=None)
    entries = [entry("TestJob", going), entry("New")]
    document = json.loads(json_view.status([going], entries, {"TestJob": GOOD.run}, {}, now=NOW))
    assert document["running"][0]["tasks"]["pending"] == 3
    assert set(document["running"][0]["tasks"]) == {state.value for state in State}
    (task,) = document["running"][0]["running_tasks"]
    assert (task["name"], task["number"], task["duration"]) == ("Feature Engineering1", 1, 59.0)
    assert document["jobs"][0]["last_result"]["id"] == GOOD.run.id
    assert document["jobs"][1] == {"name": "New", "last_result": None, "schedule": None}


def test_what_is_scheduled_is_in_json_with_its_next_fire_time_in_utc() -> None:
    east = timezone(timedelta(hours=8))
    next_fire = datetime(2022, 12, 27, tzinfo=east)
    schedules = {"J": Upcoming(expression="@daily", scheduler="crontab", next=next_fire)}
    expected = {
        "cron": "@daily",
        "next": "2022-12-26T16:00:00.000000+00:00",
        "on": "crontab",
        "node": None,
        "detail": "",
    }
    for text in (
        json_view.jobs([entry("J")], schedules, [], now=NOW),
        json_view.status([], [entry("J")], {}, schedules, now=NOW),
    ):
        assert json.loads(text)["jobs"][0]["schedule"] == expected


def test_output_as_json_is_text_that_names_its_run() -> None:
    kept = AttemptOutput(run=GOOD.run, attempt=success(0, 0, 1), output=[b"\xff ", "é".encode()[:1], "é".encode()[1:]])
    document = json.loads(json_view.task_output("J", TEST_JOB.tasks[0], [kept], now=NOW))
    assert (document["attempts"][0]["run"], document["attempts"][0]["output"]) == ("r1", "\ufffd é")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_json_is_ascii_and_keeps_every_name(name: str) -> None:
    text = json_view.log(name, [all_well(job(name, {name: []}))], now=NOW)
    assert text.isascii()
    assert json.loads(text)["runs"][0]["tasks"][0]["name"] == name


def test_every_field_of_the_documents_is_described() -> None:
    described = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    schedules = {"J": Upcoming(expression="@daily", scheduler="crontab", next=NOW)}
    keys: set[str] = set()

    def note(pairs: list[tuple[str, object]]) -> None:
        keys.update(key for key, _ in pairs)

    attempt = failed(0, 0, 1)._replace(usage=Usage(0.5, 0.25, 1))
    kept = AttemptOutput(run=BAD.run, attempt=attempt, output=[])
    for text in (
        json_view.log("J", [BAD], now=NOW),
        json_view.jobs([entry("J", BAD)], schedules, [], now=NOW),
        json_view.tasks(TEST_JOB),
        json_view.task_output("J", TEST_JOB.tasks[0], [kept], now=NOW),
        json_view.status([GOOD], [entry("J", BAD)], {"J": BAD.run}, {}, now=NOW),
    ):
        json.loads(text, object_pairs_hook=note)
    assert {key for key in keys if f"`{key}`" not in described and f'"{key}"' not in described} == set()
