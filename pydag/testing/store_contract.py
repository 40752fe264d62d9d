"""The contract that every store keeps, as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydag.errors import NotFound, StoreError
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import Reason, State, When
from pydag.stores.base import Store
from pydag.testing.records import HOSTILE_NAMES, START, at, attempt_of, job_of, run_of

Item = TypeVar("Item")

OpenStore = Callable[[], Store]


class StoreContract:
    """What every store must do.

    Subclass it in a test module (as `class TestMyStore(StoreContract)`) with a fixture `open_store`: a function that
    opens the one history of this test, which is empty at first. Every call gives a handle of its own, as another
    process would have it; the fixture closes them all.
    """

    def test_a_new_history_is_empty(self, open_store: OpenStore) -> None:
        store = open_store()
        assert store.jobs() == []
        assert store.runs() == []
        assert store.runs("J", state=State.RUNNING, limit=3) == []
        assert list(store.output("r1", 0, 1)) == []
        _raises(NotFound, lambda: store.job("J"))
        _raises(NotFound, lambda: store.delete("J"))
        _raises(NotFound, lambda: store.load(run_of("J", "r1")))

    def test_a_job_comes_back_as_it_was_saved(self, open_store: OpenStore) -> None:
        first = TaskSpec(
            name="one", action=Shell("echo '\N{ROCKET}'\n\techo 2"), retries=3, retry_delay=0.5, timeout=7.25
        )
        second = TaskSpec(
            name="two",
            action=Shell(
                "cat caf\udce9", env=(("A", "x=y"), ("B", "")), cwd="/tmp/\udcff"
            ),  # a file's name that is not UTF-8
            upstream=(0,),
            when=When.FAILURE,
        )
        spec = JobSpec(name="J", tasks=(first, second), description="two\nlines", max_parallel=4)
        open_store().save_job(spec, START)
        assert open_store().job("J") == spec

    def test_saving_a_job_again_replaces_it(self, open_store: OpenStore) -> None:
        store = open_store()
        store.save_job(job_of("J", 2), at(0))
        store.save_job(job_of("J", 3), at(1))
        assert store.job("J") == job_of("J", 3)
        assert [(entry.tasks, entry.saved) for entry in store.jobs()] == [(3, at(1))]
        store.save_job(job_of("J", 2), at(2))
        assert store.job("J") == job_of("J", 2)

    def test_the_job_saved_last_comes_first(self, open_store: OpenStore) -> None:
        store = open_store()
        for name, seconds in (("B", 1), ("A", 2), ("D", 0), ("C", 2)):
            store.save_job(job_of(name), at(seconds))
        assert [entry.name for entry in store.jobs()] == ["A", "C", "B", "D"]
        store.save_job(job_of("D"), at(3))
        assert [entry.name for entry in store.jobs()] == ["D", "A", "C", "B"]

    def test_a_job_is_listed_with_its_newest_run(self, open_store: OpenStore) -> None:
        store = open_store()
        store.save_job(job_of("unrun", 5), at(9))
        newest = run_of("J", "r2", 2)
        for run in (run_of("J", "r1", 1), newest, run_of("J", "r0", 0)):
            store.begin(run, job_of("J", 3))
        listed = {entry.name: entry for entry in open_store().jobs()}
        assert listed["J"].last_run == newest
        assert listed["J"].tasks == 3
        assert listed["unrun"].last_run is None
        assert listed["unrun"].tasks == 5

    def test_beginning_a_run_saves_its_job(self, open_store: OpenStore) -> None:
        store = open_store()
        store.begin(run_of("J", "r1", 5), job_of("J"))
        assert store.job("J") == job_of("J")
        assert store.jobs()[0].saved == at(5)

    def test_a_run_comes_back_as_it_was_begun(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1", 0.000001)
        ended = run_of("J", "r2", 1, State.LOST)._replace(
            ended=at(2.5), owner="", engine="gocron", scheduled_for=at(-60)
        )
        store.begin(run, job_of("J"))
        store.begin(ended, job_of("J"))
        assert open_store().runs() == [ended, run]
        assert open_store().load(run).run == run

    def test_a_run_that_never_started_is_kept_with_its_cause(self, open_store: OpenStore) -> None:
        store = open_store()
        cause = "caf\udce9 is gone: \N{ROCKET}\n'J'"
        run = run_of("J", "r1", state=State.FAILED)._replace(ended=at(0), scheduled_for=at(-1), start_failure=cause)
        store.begin(run, job_of("J"))
        record = open_store().load(run)
        assert record.run.start_failure.startswith("caf")
        assert record.run.start_failure.endswith(" is gone: \N{ROCKET}\n'J'")
        assert store.jobs()[0].last_run == record.run
        assert {(task.state, task.reason, task.attempts) for task in record.tasks.values()} == {
            (State.CANCELLED, Reason.NOT_STARTED, ())
        }

    def test_runs_are_chosen_by_their_logical_date(self, open_store: OpenStore) -> None:
        store = open_store()
        for number, (job, date) in enumerate([("J", 0), ("J", 3600), ("K", 0), ("J", 0)]):
            store.begin(run_of(job, f"r{number}", number)._replace(scheduled_for=at(date)), job_of(job))
        store.begin(run_of("J", "r4", 4), job_of("J"))
        store.reopen("r0").finish(State.SUCCESS, at(5))
        same = at(0).astimezone(timezone(timedelta(hours=5)))
        assert [run.id for run in store.runs("J", scheduled_for=same)] == ["r3", "r0"]
        assert [run.id for run in store.runs("J", scheduled_for=at(0), state=State.SUCCESS)] == ["r0"]
        assert [run.id for run in store.runs("J", scheduled_for=at(0), limit=1)] == ["r3"]
        assert [run.id for run in store.runs(scheduled_for=at(0))] == ["r3", "r2", "r0"]
        assert store.runs("J", scheduled_for=at(0.000001)) == []

    def test_the_two_logical_dates_of_an_hour_that_comes_twice_are_told_apart(self, open_store: OpenStore) -> None:
        store = open_store()
        night = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
        for number in range(2):
            date = night.replace(fold=number).astimezone(UTC)
            store.begin(run_of("J", f"r{number}", number)._replace(scheduled_for=date), job_of("J"))
        assert [run.id for run in store.runs("J", scheduled_for=night)] == ["r0"]
        assert [run.id for run in store.runs("J", scheduled_for=night.replace(fold=1))] == ["r1"]

    def test_a_run_id_that_is_taken_is_refused_and_changes_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        store.begin(run_of("J", "r1"), job_of("J"))
        _raises(StoreError, lambda: store.begin(run_of("K", "r1", 1), job_of("K")))
        _raises(StoreError, lambda: store.begin(run_of("J", "r1", 1), job_of("J", 3)))
        assert store.runs() == [run_of("J", "r1")]
        assert [entry.name for entry in store.jobs()] == ["J"]
        assert store.job("J") == job_of("J")

    def test_the_run_started_last_comes_first(self, open_store: OpenStore) -> None:
        store = open_store()
        for run_id, seconds in (("x", 2), ("b", 1), ("z", 3), ("a", 1)):
            store.begin(run_of("J", run_id, seconds), job_of("J"))
        assert [run.id for run in store.runs()] == ["z", "x", "a", "b"]
        assert [run.id for run in store.runs("J")] == ["z", "x", "a", "b"]
        assert [run.id for run in store.runs(state=State.RUNNING)] == ["z", "x", "a", "b"]
        assert [run.id for run in store.runs(limit=3)] == ["z", "x", "a"]

    def test_runs_are_chosen_by_job_and_state(self, open_store: OpenStore) -> None:
        store = open_store()
        states = (State.SUCCESS, State.RUNNING, State.FAILED, State.RUNNING)
        for number, state in enumerate(states):
            store.begin(run_of("JK"[number % 2], f"r{number}", number, state), job_of("JK"[number % 2]))
        assert [run.id for run in store.runs("J")] == ["r2", "r0"]
        assert [run.id for run in store.runs(state=State.RUNNING)] == ["r3", "r1"]
        assert [run.id for run in store.runs("K", state=State.RUNNING, limit=1)] == ["r3"]
        assert store.runs("J", state=State.RUNNING) == []
        assert store.runs("no such job") == []
        assert store.runs(limit=0) == []

    def test_every_field_of_an_attempt_comes_back(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J", 1))
        attempts = [Attempt(task=0, number=number, state=state) for number, state in enumerate(State, 1)]
        attempts += [
            Attempt(task=0, number=number, state=State.FAILED, reason=reason, detail=f"\N{ROCKET} '{reason}'\n")
            for number, reason in enumerate(Reason, 101)
        ]
        attempts += [
            Attempt(task=0, number=201, state=State.SUCCESS, started=at(0.000001), ended=at(86400), exit_status=0),
            Attempt(task=0, number=202, state=State.FAILED, exit_status=255, output_dropped=5 * 2**30, host="a-b:5921"),
            Attempt(task=0, number=1000000, state=State.LOST, signal=9),
        ]
        handle.write(attempts)
        assert open_store().load(run).tasks["t0"].attempts == tuple(attempts)

    def test_a_detail_without_utf8_is_kept_readable(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J", 1))
        handle.write([attempt_of(0)._replace(detail="no directory caf\udce9")])
        assert store.load(run).tasks["t0"].attempts[0].detail.startswith("no directory caf")

    def test_an_attempt_replaces_the_one_of_its_number_alone(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        failed, again = attempt_of(0, 1, State.FAILED), attempt_of(0, 2)
        handle.write([attempt_of(0, 1), attempt_of(1, 1)])
        handle.write([failed])
        handle.write([attempt_of(0, 2, State.LOST), again])
        record = store.load(run)
        assert record.tasks["t0"].attempts == (failed, again)
        assert record.tasks["t1"].attempts == (attempt_of(1, 1),)

    def test_a_run_of_many_tasks_comes_back_whole(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J", 3000))
        handle.write([attempt_of(task, state=State.SUCCESS) for task in reversed(range(3000))])
        record = store.load(run)
        assert list(record.tasks) == [f"t{task}" for task in range(3000)]
        assert {task.state for task in record.tasks.values()} == {State.SUCCESS}

    def test_a_task_that_never_started_has_its_note(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        handle.write([Attempt.not_attempted(1, State.SKIPPED, reason=Reason.UPSTREAM)])
        record = store.load(run)
        assert (record.tasks["t1"].state, record.tasks["t1"].reason) == (State.SKIPPED, Reason.UPSTREAM)
        assert record.tasks["t1"].attempts == ()
        assert record.tasks["t0"].state is State.PENDING

    def test_output_is_added_in_order_byte_for_byte(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        handle.write(outputs=[Output(task=0, number=1, data=b"\0\xff"), Output(task=1, number=1, data=b"other")])
        handle.write(outputs=[Output(task=0, number=1, data=b""), Output(task=0, number=2, data=b"second")])
        other = open_store().reopen("r1")
        other.write(outputs=[Output(task=0, number=1, data=b"\r\nno end"), Output(task=0, number=1, data=b"!")])
        handle.write(outputs=[Output(task=0, number=1, data=b"!")])
        assert _output(store, "r1", 0, 1) == b"\0\xff\r\nno end!!"
        assert _output(store, "r1", 0, 2) == b"second"
        assert _output(store, "r1", 1, 1) == b"other"
        assert _output(store, "r1", 1, 2) == b""

    def test_output_is_read_from_any_byte_on(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        for data in (b"abc", b"d", b"efgh"):
            handle.write(outputs=[Output(task=0, number=1, data=data)])
        for start in range(10):
            assert _output(store, "r1", 0, 1, start) == b"abcdefgh"[start:]

    def test_large_output_comes_back_from_any_byte_on(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        mebibyte = bytes(range(256)) * 4096
        data = mebibyte * 20 + b"end"
        handle.write(outputs=[Output(task=0, number=1, data=data)])
        handle.write(outputs=[Output(task=0, number=1, data=b"more")])
        assert _output(store, "r1", 0, 1) == data + b"more"
        assert _output(store, "r1", 0, 1, len(data) - 5) == data[-5:] + b"more"
        assert _output(store, "r1", 0, 1, 2**20 - 1) == data[2**20 - 1 :] + b"more"

    def test_a_write_that_raises_has_written_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        outputs = _Breaking([Output(task=0, number=1, data=b"text")])
        _raises(_Broken, lambda: handle.write([attempt_of(0)], outputs))
        _raises(_Broken, lambda: handle.write(_Breaking([attempt_of(0)])))
        assert open_store().load(run).tasks["t0"].attempts == ()
        assert _output(open_store(), "r1", 0, 1) == b""
        handle.write([attempt_of(0)])
        assert open_store().load(run).tasks["t0"].attempts == (attempt_of(0),)

    def test_reopening_a_run_that_is_not_there_is_an_error(self, open_store: OpenStore) -> None:
        store = open_store()
        _raises(NotFound, lambda: store.reopen("r1"))
        assert store.runs() == []

    def test_a_run_may_be_reopened_by_another_process(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        store.begin(run, job_of("J")).write([attempt_of(0)])
        other = open_store().reopen("r1")
        other.write([attempt_of(0, state=State.SUCCESS)], [Output(task=0, number=1, data=b"text")])
        other.finish(State.SUCCESS, at(5))
        assert store.load(run).tasks["t0"].attempts == (attempt_of(0, state=State.SUCCESS),)
        assert store.runs() == [run._replace(state=State.SUCCESS, ended=at(5))]
        assert _output(store, "r1", 0, 1) == b"text"

    def test_a_run_is_finished_once(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        done = run._replace(state=State.SUCCESS, ended=at(5))
        handle = store.begin(run, job_of("J"))
        handle.finish(State.SUCCESS, at(5))
        handle.finish(State.FAILED, at(6))
        open_store().reopen("r1").finish(State.LOST, at(9))
        assert store.runs("J") == [done]
        assert store.runs(state=State.SUCCESS) == [done]
        assert store.runs(state=State.RUNNING) == store.runs(state=State.LOST) == []
        assert store.load(run).run == done
        assert store.jobs()[0].last_run == done

    def test_a_run_keeps_the_definition_it_ran_with(self, open_store: OpenStore) -> None:
        store = open_store()
        first, second = job_of("J", 2, "echo 1"), job_of("J", 3, "echo 2")
        runs = [run_of("J", f"r{number}", number) for number in range(3)]
        for run, spec in zip(runs, (first, second, first), strict=True):
            store.begin(run, spec)
        store.save_job(job_of("J", 1), at(9))
        assert [store.load(run).spec for run in runs] == [first, second, first]
        assert store.job("J") == job_of("J", 1)

    def test_what_one_handle_writes_the_other_sees_at_once(self, open_store: OpenStore) -> None:
        writer, reader = open_store(), open_store()
        run = run_of("J", "r1")
        handle = writer.begin(run, job_of("J"))
        assert reader.runs(state=State.RUNNING) == [run]
        for number in range(1, 4):
            handle.write([attempt_of(0, number)], [Output(task=0, number=1, data=b"x")])
            assert len(reader.load(run).tasks["t0"].attempts) == number
            assert _output(reader, "r1", 0, 1) == b"x" * number
        handle.finish(State.FAILED, at(1))
        assert reader.runs(state=State.RUNNING) == []

    def test_deleting_a_job_takes_all_of_it_and_nothing_else(self, open_store: OpenStore) -> None:
        store = open_store()
        for name in ("J", "K"):
            handle = store.begin(run_of(name, f"{name}1"), job_of(name))
            handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"text")])
        store.delete("J")
        other = open_store()
        assert [entry.name for entry in other.jobs()] == ["K"]
        assert [run.id for run in other.runs()] == [run.id for run in other.runs(state=State.RUNNING)] == ["K1"]
        assert other.runs("J") == []
        assert _output(other, "J1", 0, 1) == b""
        assert _output(other, "K1", 0, 1) == b"text"
        assert other.load(run_of("K", "K1")).tasks["t0"].attempts == (attempt_of(0),)
        _raises(NotFound, lambda: other.job("J"))
        _raises(NotFound, lambda: other.load(run_of("J", "J1")))
        _raises(NotFound, lambda: other.delete("J"))

    def test_a_deleted_run_is_not_brought_back_by_who_still_writes_it(self, open_store: OpenStore) -> None:
        writer, other = open_store(), open_store()
        run = run_of("J", "r1")
        handle = writer.begin(run, job_of("J"))
        handle.write([attempt_of(0)])
        other.delete("J")
        other.begin(run_of("K", "r2"), job_of("K"))
        _raises(NotFound, lambda: handle.write([attempt_of(1)]))
        _raises(NotFound, lambda: handle.write(outputs=[Output(task=1, number=1, data=b"text")]))
        _raises(NotFound, lambda: handle.write([]))
        _raises(NotFound, lambda: handle.finish(State.SUCCESS, at(1)))
        _raises(NotFound, lambda: writer.reopen("r1"))
        assert [found.id for found in other.runs()] == ["r2"]
        assert other.load(run_of("K", "r2")).tasks["t1"].attempts == ()
        assert _output(other, "r2", 1, 1) == b""

    def test_a_job_may_come_again_after_it_was_deleted(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"old")])
        store.delete("J")
        store.begin(run, job_of("J"))
        assert store.load(run).tasks["t0"].attempts == ()
        assert _output(store, "r1", 0, 1) == b""

    def test_no_name_is_taken_for_another_or_for_a_pattern(self, open_store: OpenStore) -> None:
        store = open_store()
        for number, name in enumerate(HOSTILE_NAMES):
            spec = JobSpec(name=name, tasks=tuple(TaskSpec(name=task, action=Shell("true")) for task in HOSTILE_NAMES))
            handle = store.begin(run_of(name, name, number), spec)
            handle.write([attempt_of(number)], [Output(task=number, number=1, data=name.encode())])
        assert [entry.name for entry in store.jobs()] == list(reversed(HOSTILE_NAMES))
        for number, name in enumerate(HOSTILE_NAMES):
            (run,) = store.runs(name)
            assert (run.job, run.id) == (name, name)
            assert store.load(run).tasks[name].attempts == (attempt_of(number),)
            assert _output(store, name, number, 1) == name.encode()
        for number, name in enumerate(HOSTILE_NAMES, 1):
            store.delete(name)
            assert {entry.name for entry in store.jobs()} == set(HOSTILE_NAMES[number:])

    def test_a_name_without_utf8_is_simply_not_there(self, open_store: OpenStore) -> None:
        store = open_store()
        store.save_job(job_of("\\udce9"), START)
        _raises(NotFound, lambda: store.job("\udce9"))
        _raises(NotFound, lambda: store.delete("\udce9"))
        assert store.runs("\udce9") == []


class _Broken(Exception):
    pass


class _Breaking(list[Item]):
    """A sequence that raises behind its last item."""

    def __iter__(self) -> Iterator[Item]:
        yield from super().__iter__()
        raise _Broken


def _output(store: Store, run_id: str, task: int, number: int, start: int = 0) -> bytes:
    return b"".join(store.output(run_id, task, number, start))


def _raises(kind: type[Exception], call: Callable[[], object]) -> None:
    """`pytest.raises` without pytest, which users of this module may not have."""
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")
