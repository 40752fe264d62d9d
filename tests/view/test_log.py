from __future__ import annotations

import time

import pytest

from pydag.model.actions import Shell
from pydag.model.run import Attempt, RunRecord, record_of
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State, When
from pydag.runs.owner import this_process
from pydag.testing import HOSTILE_NAMES, START, at, job_of
from pydag.view import log as log_view
from pydag.view.terminal import Display
from pydag.view.text import text_width
from tests.support.samples import (
    BAD,
    GOOD,
    TEST_JOB,
    all_well,
    failed,
    fan,
    job,
    layered,
    run_of,
    running,
    skipped,
    success,
)

NOW = at(60)
pytestmark = pytest.mark.usefixtures("in_utc")

PLAIN = Display()


def log(*records: RunRecord, style: str = "flat", display: Display = PLAIN) -> str:
    return "\n".join(log_view.log(records[0].run.job, records, style=style, now=NOW, display=display))


def test_the_flat_log_has_a_line_for_each_task() -> None:
    assert (
        log(GOOD, BAD)
        == """\
>> >> >> >> >> Log For Job `TestJob` << << << << <<  times in UTC
`TestJob` at 2022-12-26 15:28:01 (1 min ago)  ✓ success after 42s
├── ✓ `Sync Data` at 2022-12-26 15:28:11  9.5s
├── ✓ `Feature Engineering1` at 2022-12-26 15:28:21  9.0s
├── ✓ `Feature Engineering2` at 2022-12-26 15:28:21  4.2s
├── ✓ `Machine Learning` at 2022-12-26 15:28:31  9.0s
└── ✓ `Send Email` at 2022-12-26 15:28:41  2.0s
== == == == == == == == == == == == == == == == == == == ==
`TestJob` at 2022-12-26 15:28:01 (1 min ago)  ✗ failed after 14s
├── ✓ `Sync Data` at 2022-12-26 15:28:02  0.4s
├── ✗ `Feature Engineering1` at 2022-12-26 15:28:03  0.5s, exit 1
├── ✓ `Feature Engineering2` at 2022-12-26 15:28:03  12s
├── · `Machine Learning`  skipped: upstream did not succeed
└── · `Send Email`  skipped: upstream did not succeed
>> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >>"""
    )


def test_the_tree_log_has_each_task_once_below_the_last_of_its_upstream_tasks() -> None:
    assert (
        log(GOOD, style="tree")
        == """\
>> >> >> >> >> Log For Job `TestJob` << << << << <<  times in UTC
`TestJob` at 2022-12-26 15:28:01 (1 min ago)  ✓ success after 42s
└── ✓ `Sync Data` at 2022-12-26 15:28:11  9.5s
    ├── ✓ `Feature Engineering1` at 2022-12-26 15:28:21  9.0s
    └── ✓ `Feature Engineering2` at 2022-12-26 15:28:21  4.2s
        └── ✓ `Machine Learning` at 2022-12-26 15:28:31  9.0s  (also after `Feature Engineering1`)
            └── ✓ `Send Email` at 2022-12-26 15:28:41  2.0s
>> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >>"""
    )


def test_the_values_of_parameters_stand_below_the_line_of_the_run() -> None:
    record = GOOD._replace(run=GOOD.run._replace(params=(("DAY", "2026-03-01"), ("CITY", "New\nYork\x1b[2J"))))
    run_line, values, task = log(record).splitlines()[1:4]
    assert run_line.startswith("`TestJob` at ")
    assert values == "  with DAY=2026-03-01 CITY='New\ufffdYork'"
    assert "Sync Data" in task


def test_a_run_that_never_started_shows_its_cause_and_no_task() -> None:
    record = run_of(TEST_JOB, [], State.FAILED, ended=0)
    run = record.run._replace(scheduled_for=at(-1), start_failure="'flow.py' is gone:\n\x1b[2Jgive another")
    record = record_of(run, TEST_JOB, [])
    cause = "never started: 'flow.py' is gone: give another"
    line = f"`TestJob` at 2022-12-26 15:28:01 (1 min ago), for 2022-12-26 15:28:00  ✗ failed, {cause}"
    for style in ("flat", "tree"):
        assert log(record, style=style).splitlines()[1:-1] == [line]


def test_times_are_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    assert "`TestJob` at 2022-12-26 23:28:01" in log(GOOD)


@pytest.mark.parametrize("zone", ["XXX-25", "UTC+99"])
def test_times_are_in_utc_where_the_zone_is_more_than_a_day_away(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert "`TestJob` at 2022-12-26 15:28:01" in log(GOOD)


def test_without_colour_there_is_no_escape_byte_and_with_it_each_state_has_its_own() -> None:
    assert "\x1b" not in log(GOOD, BAD) + log(GOOD, BAD, style="tree")
    coloured = log(GOOD, BAD, display=Display(colour=True))
    assert "\x1b[32m✓ `Sync Data`" in coloured
    assert "\x1b[31m✗ `Feature Engineering1`" in coloured
    going = run_of(TEST_JOB, [running(0, 10)], State.RUNNING, ended=None)
    coloured = log(going, display=Display(colour=True))
    assert "\x1b[34m● `Sync Data`" in coloured
    assert "\x1b[33m○ `Send Email`" in coloured


def test_an_output_without_unicode_gets_ascii() -> None:
    assert log(GOOD, BAD, style="tree", display=Display(ascii=True)).isascii()


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([failed(0, 0, 0.25, exit_status=3)], "✗ `a` at 2022-12-26 15:28:01  0.2s, exit 3, attempt 1 of 4"),
        (
            [failed(0, 0, 1), failed(0, 5, 6, number=2, exit_status=None, signal=9)],
            "✗ `a` at 2022-12-26 15:28:01  6.0s, signal 9 (SIGKILL), attempt 2 of 4",
        ),
        (
            [failed(0, 0, 5.1, exit_status=None, signal=15, reason=Reason.TIMEOUT)],
            "✗ `a` at 2022-12-26 15:28:01  5.1s, timeout after 5.0s, attempt 1 of 4",
        ),
        (
            [failed(0, 0, 0, exit_status=None, reason=Reason.NOT_STARTED, detail="no such\ndirectory\x1b[2J: /x")],
            "✗ `a` at 2022-12-26 15:28:01  0ms, could not be started (no such directory: /x), attempt 1 of 4",
        ),
        ([failed(0, 0, 1), success(0, 2, 3, number=2)], "✓ `a` at 2022-12-26 15:28:01  3.0s, attempt 2 of 4"),
        ([running(0, 30)], "● `a` at 2022-12-26 15:28:31  running for 30s"),
        ([running(0, 30, number=3)], "● `a` at 2022-12-26 15:28:31  running for 30s, attempt 3 of 4"),
        ([skipped(0)], "· `a`  skipped: upstream did not succeed"),
        ([], "○ `a`  pending"),
        ([Attempt.not_attempted(0, State.CANCELLED)], "! `a`  cancelled before it started"),
        (
            [failed(0, 0, 1), Attempt.not_attempted(0, State.CANCELLED)],
            "! `a` at 2022-12-26 15:28:01  1.0s, exit 1, attempt 1 of 4, cancelled before the next",
        ),
        (
            [Attempt(task=0, number=1, state=State.CANCELLED, started=START, ended=at(2), signal=15)],
            "! `a` at 2022-12-26 15:28:01  2.0s, cancelled",
        ),
        (
            [Attempt(task=0, number=1, state=State.LOST, started=START, reason=Reason.UNKNOWN)],
            "? `a` at 2022-12-26 15:28:01  lost: its outcome cannot be known",
        ),
    ],
)
def test_a_task_says_how_it_ended(attempts: list[Attempt], expected: str) -> None:
    record = run_of(job("J", {"a": []}, retries=3, timeout=5), attempts, State.FAILED)
    assert f"└── {expected}\n" in log(record)


def test_a_skipped_task_for_failures_says_that_nothing_failed() -> None:
    spec = JobSpec(name="J", tasks=(TaskSpec(name="a", action=Shell("true"), when=When.FAILURE),))
    assert "skipped: nothing upstream failed" in log(run_of(spec, [skipped(0)]))


def test_a_run_that_cannot_be_seen_from_here_says_since_when_it_is_silent() -> None:
    record = run_of(TEST_JOB, [running(0, 1)], State.RUNNING, ended=None)
    run = record.run._replace(owner="db1 boot 12 34 pid:[1] machine", heard=at(5))
    expected = "running for 1m 00s, not heard of since 2022-12-26 15:28:06 (pid 12 on db1), 0 of 5 tasks done\n"
    assert expected in log(record._replace(run=run))


def test_a_lost_run_names_the_process_that_tracked_it() -> None:
    record = run_of(TEST_JOB, [], State.LOST, ended=None)
    run = record.run._replace(owner="db1 boot 12 34 pid:[1] machine", heard=at(5))
    expected = "lost: its pydag (pid 12 on db1) was ended, last heard of at 2022-12-26 15:28:06, 0 of 5 tasks done\n"
    assert expected in log(record._replace(run=run))


def test_a_running_run_says_how_far_it_is() -> None:
    record = run_of(TEST_JOB, [success(0, 0, 1), failed(1, 1, 2), running(2, 1)], State.RUNNING, ended=None)
    record = record._replace(run=record.run._replace(owner=this_process()))
    assert "`TestJob` at 2022-12-26 15:28:01  ● running for 1m 00s, 2 of 5 tasks done, 1 failed\n" in log(record)


def test_the_flat_log_has_tasks_in_the_order_of_their_starts() -> None:
    spec = job("J", {"never": [], "late": [], "early": []})
    shown = log(run_of(spec, [success(1, 9, 10), success(2, 1, 2)]))
    assert shown.index("`early`") < shown.index("`late`") < shown.index("`never`")


@pytest.mark.parametrize("style", ["flat", "tree"])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_shown_in_the_log_as_it_is(name: str, style: str) -> None:
    shown = log(all_well(job(name, {name: [], "next": [name]})), style=style)
    assert f"\n`{name}` at " in shown
    assert f"✓ `{name}` at " in shown
    assert f"Log For Job `{name}` <<" in shown


def test_a_job_without_runs_shows_a_command_that_a_shell_accepts() -> None:
    shown = list(log_view.log("it's", [], style="flat", now=NOW, display=PLAIN))
    assert shown == ["`it's` has not run yet. `pydag run FILE --job 'it'\"'\"'s'` runs it."]


def test_many_upstream_tasks_are_counted() -> None:
    lines = log(all_well(fan(200)), style="tree").splitlines()
    assert [line for line in lines if "sink" in line] == [
        "        └── ✓ `sink` at 2022-12-26 15:31:22  0.5s  (also after `t1`, `t2`, `t3` and 196 more)"
    ]


@pytest.mark.parametrize("spec", [layered(20, 50, 3), layered(20, 50, 50), job_of("Chain", 1000)])
def test_a_graph_that_would_explode_stays_readable(spec: JobSpec) -> None:
    lines = log(all_well(spec), style="tree").splitlines()
    assert len(lines) == len(spec.tasks) + 3
    assert max(map(len, lines)) < 200


def test_a_long_chain_stays_on_the_last_level_and_says_what_each_task_comes_after() -> None:
    lines = log(all_well(job_of("Chain", 14)), style="tree").splitlines()
    assert [line.lstrip() for line in lines[12:16]] == [
        "└── ✓ `t10` at 2022-12-26 15:28:11  0.5s",
        "├── ✓ `t11` at 2022-12-26 15:28:12  0.5s",
        "├── ✓ `t12` at 2022-12-26 15:28:13  0.5s  (after `t11`)",
        "└── ✓ `t13` at 2022-12-26 15:28:14  0.5s  (after `t12`)",
    ]


def test_a_task_that_waits_for_its_next_attempt_has_a_sign_of_its_own() -> None:
    record = run_of(job("J", {"a": []}, retries=3), [failed(0, 0, 1)], State.RUNNING, ended=None)
    assert "↻ `a` at 2022-12-26 15:28:01  1.0s, exit 1, attempt 1 of 4, waiting for the next\n" in log(record)
    assert "@ `a` at" in log(record, display=Display(ascii=True))


def test_a_task_that_was_left_out_says_so() -> None:
    left_out = Attempt.not_attempted(0, State.SKIPPED, reason=Reason.LEFT_OUT)
    assert "· `a`  left out of this run\n" in log(run_of(job("J", {"a": []}), [left_out]))


def test_zones_are_named_once_and_both_where_the_clocks_changed_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert log(GOOD, BAD).splitlines()[0].endswith("<<  times in CET (UTC+01:00)")
    summer = BAD._replace(run=BAD.run._replace(started=at(-180 * 86400)))
    assert log(GOOD, summer).splitlines()[0].endswith("<<  times in CET (UTC+01:00) and CEST (UTC+02:00)")


@pytest.mark.parametrize("style", ["flat", "tree"])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_long_lines_are_wrapped_inside_the_branches(width: int, style: str) -> None:
    spec = job("工作" * 20, {"漢 " * 50: [], "a\u202eb": [], "long name " * 10: ["漢 " * 50, "a\u202eb"]})
    lines = log(run_of(spec, [success(0, 0, 1), failed(1, 0, 1)]), style=style, display=Display(width=width)).split(
        "\n"
    )
    assert max(map(text_width, lines)) <= width
    assert len(lines) > 8
    assert "\u202e" not in "".join(lines)
    assert all(line[0] in "├│└ " for line in lines[lines.index(next(line for line in lines if "├" in line)) : -1])


def test_a_wrapped_line_goes_on_behind_the_branches() -> None:
    display = Display(width=44)
    assert log(GOOD, style="tree", display=display).splitlines()[1:] == [
        "`TestJob` at 2022-12-26 15:28:01 (1 min ago)",
        "  ✓ success after 42s",
        "└── ✓ `Sync Data` at 2022-12-26 15:28:11",
        "      9.5s",
        "    ├── ✓ `Feature Engineering1` at",
        "    │     2022-12-26 15:28:21  9.0s",
        "    └── ✓ `Feature Engineering2` at",
        "          2022-12-26 15:28:21  4.2s",
        "        └── ✓ `Machine Learning` at",
        "              2022-12-26 15:28:31  9.0s",
        "              (also after `Feature",
        "              Engineering1`)",
        "            └── ✓ `Send Email` at",
        "                  2022-12-26 15:28:41  2.0s",
        ">> >> >> >> >> >> >> >> >> >> >> >> >> >> >>",
    ]


def test_failures_are_the_tasks_that_did_not_succeed_with_what_they_wrote_last() -> None:
    output = b"".join(b"line %d\n" % number for number in range(9)) + b"\x1b[2Jlast"
    lines = log_view.failures("TestJob", [(BAD, {"Feature Engineering1": output})], now=NOW, display=PLAIN)
    assert list(lines) == [
        ">> >> >> >> >> Failures Of Job `TestJob` << << << << <<  times in UTC",
        "`TestJob` at 2022-12-26 15:28:01 (1 min ago)  ✗ failed after 14s",
        "├── ✗ `Feature Engineering1` at 2022-12-26 15:28:03  0.5s, exit 1",
        "│     │ line 5",
        "│     │ line 6",
        "│     │ line 7",
        "│     │ line 8",
        "│     │ last",
        "└── and 2 success, 2 skipped",
        ">> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >> >>",
    ]
    assert list(log_view.failures("J", [], now=NOW, display=PLAIN)) == ["No run of `J` has failed."]
