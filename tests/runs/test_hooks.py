"""Hooks: which run after which end, with what they read, and what the history keeps. With real processes."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pydag.errors import StoreUnreachable
from pydag.model.actions import Shell
from pydag.model.run import RunRecord
from pydag.model.spec import HOOKS, JobSpec, TaskSpec
from pydag.model.states import Reason, State
from pydag.runs.hooks import run_hooks
from pydag.runs.reporter import Silent
from pydag.settings import Settings
from pydag.stores.base import RunHandle
from pydag.stores.memory import MemoryStore
from pydag.testing.records import attempt_of, job_of, run_of
from tests.support.tracking import Recorder
from tests.support.waiting import eventually

SETTINGS = Settings(home=Path("unused"), task_timeout=60.0, output_limit=1000)


def hook(name: str, command: str, **options: float) -> TaskSpec:
    return TaskSpec(name=name, action=Shell(command, strict=True), **options)  # type: ignore[arg-type]


def ended(store: MemoryStore, spec: JobSpec, state: State, *, never: str = "", tasks: str = "F") -> RunRecord:
    """A run of the job in the store that ended so; its first tasks failed, were lost or succeeded."""
    run = run_of(spec.name, "r1", state=state)._replace(ended=datetime.now(UTC), start_failure=never)
    states = {"F": State.FAILED, "L": State.LOST, "S": State.SUCCESS}
    attempts = [attempt_of(number, state=states[letter]) for number, letter in enumerate(tasks)]
    store.begin(run, spec).write([] if never else attempts)
    return store.load(run)


def run(
    *hooks: TaskSpec, state: State = State.FAILED, spec: JobSpec | None = None, document: str = "{}", **ends: str
) -> tuple[MemoryStore, RunRecord]:
    """The store and the record after these hooks."""
    store = MemoryStore()
    record = ended(store, replace(spec or job_of("J"), hooks=hooks), state, **ends)
    after = run_hooks(record, document, store=store, settings=SETTINGS, reporter=Silent())
    assert store.load(record.run) == after
    return store, after


def output(store: MemoryStore, record: RunRecord, name: str, number: int = 1) -> str:
    return b"".join(store.output(record.id, record.spec.number(name) or 0, number)).decode()


@pytest.mark.parametrize(
    ("state", "never", "names"),
    [
        (State.SUCCESS, "", ["on_success", "on_end"]),
        (State.FAILED, "", ["on_failure", "on_end"]),
        (State.LOST, "", ["on_failure", "on_end"]),
        (State.CANCELLED, "", ["on_end"]),
        (State.FAILED, "no such file", ["on_failure", "on_end"]),
        (State.CANCELLED, "the last run still goes on", ["on_failure", "on_end"]),
    ],
)
def test_each_end_has_its_hooks_in_their_order(state: State, never: str, names: list[str]) -> None:
    _, record = run(*(hook(name, "true") for name in HOOKS), state=state, never=never)
    assert list(record.hooks) == names
    assert {each.state for each in record.hooks.values()} == {State.SUCCESS}
    assert record.state is state
    starts = [each.started for each in record.hooks.values() if each.started]
    assert starts == sorted(starts)


def test_a_hook_gets_the_run_in_its_environment_and_on_stdin() -> None:
    command = 'echo "$PYDAG_JOB $PYDAG_RUN_ID $PYDAG_RUN_STATE $PYDAG_TASK"; echo "$PYDAG_FAILED_TASKS"; cat'
    names = ("first task", "b", "c", "d")
    spec = JobSpec(name="J", tasks=tuple(TaskSpec(name=name, action=Shell("true")) for name in names))
    store, record = run(hook("on_end", command), spec=spec, tasks="FSLF", document="the run")
    assert output(store, record, "on_end") == "J r1 failed on_end\nfirst task\nc\nd\nthe run"


def test_every_hook_and_every_attempt_of_it_reads_from_the_beginning() -> None:
    first = hook("on_failure", 'cat; [ "$PYDAG_ATTEMPT" = 2 ]', retries=2)
    store, record = run(first, hook("on_end", "cat"), document="the run")
    assert [each.state for each in record.hooks["on_failure"].attempts] == [State.FAILED, State.SUCCESS]
    texts = [output(store, record, *which) for which in (("on_failure", 1), ("on_failure", 2), ("on_end", 1))]
    assert texts == ["the run"] * 3


def test_a_hook_that_reads_nothing_of_a_long_document_does_not_wait() -> None:
    _, record = run(hook("on_failure", "true"), hook("on_end", "head -c 5"), document="x" * 10_000_000)
    assert {each.state for each in record.hooks.values()} == {State.SUCCESS}


def test_as_many_names_of_failed_tasks_are_given_as_a_variable_takes() -> None:
    names = [f"\N{ROCKET} {number:05}" for number in range(10_000)]
    spec = JobSpec(name="J", tasks=tuple(TaskSpec(name=name, action=Shell("true")) for name in names))
    store, record = run(hook("on_end", "tail -n1 <<< $PYDAG_FAILED_TASKS"), spec=spec, tasks="F" * len(names))
    last = output(store, record, "on_end").strip()
    assert names.index(last) > 5000


def test_a_hook_has_the_options_of_its_task_and_bounded_output(tmp_path: Path) -> None:
    action = Shell("pwd; echo $A; false | seq 1 10000", env=(("A", "1"),), cwd=str(tmp_path))
    store, record = run(TaskSpec(name="on_end", action=action))
    attempt = record.hooks["on_end"].attempts[0]
    assert (attempt.state, attempt.exit_status) == (State.SUCCESS, 0)
    assert output(store, record, "on_end").startswith(f"{tmp_path}\n1\n1\n2\n")
    assert len(output(store, record, "on_end")) == 1000
    assert attempt.output_dropped > 40_000


def test_a_hook_that_fails_changes_nothing_but_its_own_record() -> None:
    store, record = run(hook("on_failure", "false | true"), hook("on_end", "true"))
    assert (record.hooks["on_failure"].attempts[0].exit_status, record.hooks["on_end"].state) == (1, State.SUCCESS)
    assert (record.state, store.runs("J")[0].state) == (State.FAILED, State.FAILED)


def test_a_hook_has_a_timeout() -> None:
    _, record = run(hook("on_end", "sleep 600", timeout=0.1))
    assert (record.hooks["on_end"].state, record.hooks["on_end"].reason) == (State.FAILED, Reason.TIMEOUT)


def test_without_bash_each_hook_is_recorded_as_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    _, record = run(hook("on_failure", "true"), hook("on_end", "true"))
    for name in ("on_failure", "on_end"):
        attempt = record.hooks[name].attempts[0]
        assert (attempt.state, attempt.reason) == (State.FAILED, Reason.NOT_STARTED)
        assert "bash is not on PATH" in attempt.detail


def test_a_hook_runs_where_the_history_does_not_take_it(tmp_path: Path) -> None:
    class Full(MemoryStore):
        def reopen(self, run_id: str) -> RunHandle:
            raise StoreUnreachable("no space left on device")

    store, kept = Full(), MemoryStore()
    record = ended(kept, replace(job_of("J"), hooks=(hook("on_end", f"touch {tmp_path}/ran; exit 3"),)), State.LOST)
    after = run_hooks(record, "{}", store=store, settings=SETTINGS, reporter=Silent())
    assert (tmp_path / "ran").exists()
    assert after.hooks["on_end"].attempts[0].exit_status == 3


def test_after_a_run_that_was_taken_up_again_attempts_are_counted_on() -> None:
    store, first = run(hook("on_failure", "echo one; exit 3"), hook("on_end", "echo two"))
    again = run_hooks(first, "{}", store=store, settings=SETTINGS, reporter=Silent())
    assert [attempt.number for attempt in again.hooks["on_failure"].attempts] == [1, 2]
    assert store.load(first.run) == again
    assert [output(store, again, "on_end", number) for number in (1, 2)] == ["two\n", "two\n"]


def test_a_signal_ends_the_hook_and_starts_no_other(tmp_path: Path) -> None:
    def interrupt() -> None:
        eventually((tmp_path / "started").exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    _, record = run(hook("on_failure", f"touch {tmp_path}/started; sleep 600"), hook("on_end", "true"))
    thread.join()
    assert (record.hooks["on_failure"].state, record.hooks["on_failure"].reason) == (
        State.CANCELLED,
        Reason.INTERRUPTED,
    )
    assert (record.hooks["on_end"].state, record.hooks["on_end"].attempts) == (State.CANCELLED, ())


def test_the_runs_reporter_is_told_when_a_hook_starts() -> None:
    store, reporter = MemoryStore(), Recorder()
    first = hook("on_failure", '[ "$PYDAG_ATTEMPT" = 2 ]', retries=1)
    record = ended(store, replace(job_of("J"), hooks=(first, hook("on_end", "echo text"))), State.FAILED)
    run_hooks(record, "{}", store=store, settings=SETTINGS, reporter=reporter)
    assert reporter.told == ["on_failure started", "on_failure started", "on_end started"]
