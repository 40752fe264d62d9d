"""What `run --dry-run` shows: steps, options, nodes, what is left out, and no line that is wider than the terminal."""

from __future__ import annotations

from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import When
from pydag.view.dry_run import DryRun, dry_run
from pydag.view.terminal import Display
from pydag.view.text import text_width

TASKS = (
    TaskSpec("fetch", Shell("curl -O x\ngunzip x", nodes=(2, "gpu")), timeout=90.0),
    TaskSpec("clean", Shell("clean", cwd="/data"), (0,), retries=2, retry_delay=5.0),
    TaskSpec("count", Shell("count"), (0,)),
    TaskSpec("mail", Shell("mail\x1b[31m"), (1, 2), When.FAILURE),
    TaskSpec("remove", Shell("rm x"), (1,), When.ALWAYS),
)


def plan(**changes: object) -> DryRun:
    values: dict[str, object] = {
        "spec": JobSpec(name="etl", tasks=TASKS),
        "engine": "local",
        "left_out": frozenset(),
        "params": (),
        "max_parallel": None,
        "task_timeout": 3600.0,
    }
    return DryRun(**{**values, **changes})  # type: ignore[arg-type]  # of any type on purpose


def test_tasks_come_by_steps_with_what_each_waits_for_and_how_it_runs() -> None:
    assert list(dry_run(plan(), Display())) == [
        "etl would run: 5 tasks, on this machine",
        "1 `fetch`   timeout 1m 30s, node 2, gpu",
        "    curl -O x (and 1 more line)",
        "2 `clean`   after `fetch`, timeout 1h 00m, up to 3 attempts, 5.0s apart, in /data",
        "    clean",
        "2 `count`   after `fetch`, timeout 1h 00m",
        "    count",
        "3 `mail`    after `clean`, `count` if one failed, timeout 1h 00m",
        "    mail",
        "3 `remove`  after `clean` whatever their end, timeout 1h 00m",
        "    rm x",
    ]


def test_the_hooks_follow_the_tasks() -> None:
    spec = JobSpec(
        name="J",
        tasks=(TaskSpec(name="a", action=Shell("true")),),
        hooks=(TaskSpec(name="on_end", action=Shell("echo mail\necho sent"), retries=1),),
    )
    *_, hook, command = dry_run(plan(spec=spec), Display())
    assert hook == "then `on_end`  timeout 1h 00m, up to 2 attempts"
    assert command == "     echo mail (and 1 more line)"


def test_what_is_left_out_has_no_command_and_the_title_counts_what_is_not() -> None:
    lines = list(dry_run(plan(left_out=frozenset({0, 3, 4})), Display()))
    assert lines[0] == "etl would run: 2 of 5 tasks, on this machine"
    assert lines[1] == "1 `fetch`   left out of this run"
    assert len(lines) == 1 + 3 + 2 * 2


def test_the_title_has_the_parameters_and_where_it_runs() -> None:
    shown = plan(engine="gocron", max_parallel=2, params=(("DAY", "2026-03-01"), ("CITY", "a\x1b[2Jb")))
    assert next(dry_run(shown, Display())) == (
        "etl would run: 5 tasks, on gocron, at most 2 at once, with DAY=2026-03-01 CITY=ab"
    )


def test_a_terminal_gets_no_line_that_is_wider_than_it() -> None:
    assert max(text_width(line) for line in list(dry_run(plan(), Display(width=40)))[1:]) == 40
