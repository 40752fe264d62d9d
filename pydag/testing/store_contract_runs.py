"""The store contract: runs, and how they are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from pydag.errors import NotFound, StillRunning, StoreError, TakenOver
from pydag.model.run import Origin, Output
from pydag.model.states import Reason, State
from pydag.testing.records import at, attempt_of, job_of, run_of
from pydag.testing.store_cases import OpenStore, output_of, raises


class RunsContract:
    """Part of `StoreContract`."""

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

    def test_a_run_keeps_its_parameters_and_where_it_comes_from(self, open_store: OpenStore) -> None:
        store = open_store()
        params = (("DAY", "2026-03-01"), ("CITY", 'K\xf6ln "\\\n\N{ROCKET}'), ("EMPTY", ""))
        run = run_of("J", "r1")._replace(params=params, origin=Origin("/home/caf\udce9/flow.py", "/home", again="r0"))
        store.begin(run, job_of("J"))
        assert open_store().runs("J") == [run]
        assert open_store().load(run).run == run
        assert store.jobs()[0].last_run == run

    def test_runs_are_chosen_by_their_logical_date(self, open_store: OpenStore) -> None:
        store = open_store()
        for number, (job, date) in enumerate([("J", 0), ("J", 3600), ("K", 0), ("J", 0)]):
            store.begin(run_of(job, f"r{number}", number)._replace(scheduled_for=at(date)), job_of(job))
        store.begin(run_of("J", "r4", 4), job_of("J"))
        store.reopen("r0").finish(State.SUCCESS, at(5))
        same = at(0).astimezone(timezone(timedelta(hours=5)))
        assert [run.id for run in store.runs("J", scheduled_for=same)] == ["r3", "r0"]
        assert [run.id for run in store.runs("J", scheduled_for=at(0), states=[State.SUCCESS])] == ["r0"]
        assert [run.id for run in store.runs("J", scheduled_for=at(0), limit=1)] == ["r3"]
        assert [run.id for run in store.runs(scheduled_for=at(0))] == ["r3", "r2", "r0"]
        assert store.runs("J", scheduled_for=at(0.000001)) == []

    def test_the_logical_dates_of_an_hour_that_comes_twice_are_different(self, open_store: OpenStore) -> None:
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
        raises(StoreError, lambda: store.begin(run_of("K", "r1", 1), job_of("K")))
        raises(StoreError, lambda: store.begin(run_of("J", "r1", 1), job_of("J", 3)))
        assert store.runs() == [run_of("J", "r1")]
        assert [entry.name for entry in store.jobs()] == ["J"]
        assert store.job("J") == job_of("J")

    def test_the_run_started_last_comes_first(self, open_store: OpenStore) -> None:
        store = open_store()
        for run_id, seconds in (("x", 2), ("b", 1), ("z", 3), ("a", 1)):
            store.begin(run_of("J", run_id, seconds), job_of("J"))
        assert [run.id for run in store.runs()] == ["z", "x", "a", "b"]
        assert [run.id for run in store.runs("J")] == ["z", "x", "a", "b"]
        assert [run.id for run in store.runs(states=[State.RUNNING])] == ["z", "x", "a", "b"]
        assert [run.id for run in store.runs(limit=3)] == ["z", "x", "a"]

    def test_runs_are_chosen_by_job_and_state(self, open_store: OpenStore) -> None:
        store = open_store()
        states = (State.SUCCESS, State.RUNNING, State.FAILED, State.RUNNING)
        for number, state in enumerate(states):
            store.begin(run_of("JK"[number % 2], f"r{number}", number, state), job_of("JK"[number % 2]))
        assert [run.id for run in store.runs("J")] == ["r2", "r0"]
        assert [run.id for run in store.runs(states=[State.RUNNING])] == ["r3", "r1"]
        assert [run.id for run in store.runs("K", states=[State.RUNNING], limit=1)] == ["r3"]
        assert store.runs("J", states=[State.RUNNING]) == []
        assert store.runs("no such job") == []
        assert store.runs(limit=0) == []

    def test_reopening_a_run_that_is_not_there_is_an_error(self, open_store: OpenStore) -> None:
        store = open_store()
        raises(NotFound, lambda: store.reopen("r1"))
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
        assert output_of(store, "r1", 0, 1) == b"text"

    def test_a_run_is_finished_once(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        done = run._replace(state=State.SUCCESS, ended=at(5))
        handle = store.begin(run, job_of("J"))
        handle.finish(State.SUCCESS, at(5))
        handle.finish(State.FAILED, at(6))
        open_store().reopen("r1").finish(State.LOST, at(9))
        assert store.runs("J") == [done]
        assert store.runs(states=[State.SUCCESS]) == [done]
        assert store.runs(states=[State.RUNNING]) == store.runs(states=[State.LOST]) == []
        assert store.load(run).run == done
        assert store.jobs()[0].last_run == done

    def test_who_takes_a_run_over_is_its_tracker_and_the_one_before_is_refused(self, open_store: OpenStore) -> None:
        first, second = open_store(), open_store()
        run = run_of("J", "r1")
        old = first.begin(run, job_of("J"))
        old.write([attempt_of(0)])
        new = second.take_over(run, "other:3:4", at(7))
        taken = run._replace(owner="other:3:4", heard=at(7), fence=1)
        assert second.runs() == second.runs(states=[State.RUNNING]) == [taken]
        late = [attempt_of(0, state=State.FAILED)]
        raises(TakenOver, lambda: old.write(late))
        raises(TakenOver, lambda: old.write(outputs=[Output(task=0, number=1, data=b"late")]))
        raises(TakenOver, lambda: old.write(heard=at(8)))
        raises(TakenOver, lambda: old.write())
        raises(TakenOver, lambda: old.finish(State.FAILED, at(9)))
        raises(TakenOver, lambda: first.take_over(run, "third:5:6", at(9)))
        assert first.load(run).tasks["t0"].attempts == (attempt_of(0),)
        assert output_of(first, "r1", 0, 1) == b""
        new.write([attempt_of(0, state=State.SUCCESS)], [Output(task=0, number=1, data=b"text")])
        open_store().reopen("r1").finish(State.SUCCESS, at(10))
        assert second.runs() == [taken._replace(state=State.SUCCESS, ended=at(10))]

    def test_a_run_that_has_ended_goes_on_where_it_is_taken_over(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        store.begin(run, job_of("J")).finish(State.LOST, at(5))
        (lost,) = open_store().runs("J", states=[State.LOST])
        store.take_over(lost, lost.owner, at(6))
        assert store.runs("J", states=[State.LOST]) == []
        (again,) = store.runs("J", states=[State.RUNNING])
        assert again == run._replace(heard=at(6), fence=1)
        open_store().take_over(again, "x", at(7)).finish(State.FAILED, at(8))
        assert store.runs() == [run._replace(state=State.FAILED, ended=at(8), owner="x", heard=at(7), fence=2)]
        raises(NotFound, lambda: store.take_over(run_of("J", "r2"), "x", at(9)))

    def test_a_tracker_says_that_it_lives(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")._replace(heard=at(1))
        handle = store.begin(run, job_of("J"))
        assert open_store().runs() == [run]
        handle.write([attempt_of(0)])
        assert store.load(run).run == run
        handle.write(heard=at(11))
        assert open_store().load(run).run == run._replace(heard=at(11))
        handle.write([attempt_of(1)], heard=at(21))
        assert store.runs() == [run._replace(heard=at(21))]

    def test_a_run_may_ask_to_be_alone(self, open_store: OpenStore) -> None:
        store = open_store()
        store.begin(run_of("J", "r1"), job_of("J"), gone=())
        store.begin(run_of("K", "k1"), job_of("K"), gone=())
        raises(StillRunning, lambda: open_store().begin(run_of("J", "r2", 1), job_of("J", 3), gone=["k1"]))
        assert [run.id for run in store.runs("J")] == ["r1"]
        assert store.job("J") == job_of("J")
        store.begin(run_of("J", "r3", 2), job_of("J"), gone=["r1", "r9"])
        store.begin(run_of("J", "r4", 3), job_of("J"))
        store.reopen("r3").finish(State.FAILED, at(4))
        raises(StillRunning, lambda: store.begin(run_of("J", "r5", 5), job_of("J"), gone=["r1"]))
        store.reopen("r4").finish(State.SUCCESS, at(6))
        store.begin(run_of("J", "r5", 5), job_of("J"), gone=["r1"])

    def test_what_one_store_writes_the_other_sees_at_once(self, open_store: OpenStore) -> None:
        writer, reader = open_store(), open_store()
        run = run_of("J", "r1")
        handle = writer.begin(run, job_of("J"))
        assert reader.runs(states=[State.RUNNING]) == [run]
        for number in range(1, 4):
            handle.write([attempt_of(0, number)], [Output(task=0, number=1, data=b"x")])
            assert len(reader.load(run).tasks["t0"].attempts) == number
            assert output_of(reader, "r1", 0, 1) == b"x" * number
        handle.finish(State.FAILED, at(1))
        assert reader.runs(states=[State.RUNNING]) == []

    def test_writing_to_a_deleted_run_is_an_error_and_does_not_bring_it_back(self, open_store: OpenStore) -> None:
        writer, other = open_store(), open_store()
        run = run_of("J", "r1")
        handle = writer.begin(run, job_of("J"))
        handle.write([attempt_of(0)])
        other.delete("J")
        other.begin(run_of("K", "r2"), job_of("K"))
        raises(NotFound, lambda: handle.write([attempt_of(1)]))
        raises(NotFound, lambda: handle.write(outputs=[Output(task=1, number=1, data=b"text")]))
        raises(NotFound, lambda: handle.write([]))
        raises(NotFound, lambda: handle.finish(State.SUCCESS, at(1)))
        raises(NotFound, lambda: writer.reopen("r1"))
        assert [found.id for found in other.runs()] == ["r2"]
        assert other.load(run_of("K", "r2")).tasks["t1"].attempts == ()
        assert output_of(other, "r2", 1, 1) == b""

    def test_runs_in_several_states_come_in_order(self, open_store: OpenStore) -> None:
        store = open_store()
        states = (State.SUCCESS, State.FAILED, State.RUNNING, State.LOST, State.SUCCESS, State.FAILED)
        for number, state in enumerate(states):
            store.begin(run_of("JK"[number % 2], f"r{number}", number // 2, state), job_of("JK"[number % 2]))

        def found(job: str | None, *wanted: State, limit: int | None = None) -> list[str]:
            return [run.id for run in store.runs(job, states=wanted, limit=limit)]

        assert found(None, State.SUCCESS, State.FAILED) == ["r5", "r4", "r1", "r0"]
        assert found(None, State.LOST, State.RUNNING, State.SUCCESS) == ["r4", "r3", "r2", "r0"]
        assert found(None, State.SUCCESS, State.FAILED, limit=3) == ["r5", "r4", "r1"]
        assert found(None, State.SUCCESS, State.SUCCESS) == ["r4", "r0"]
        assert found("K", State.FAILED, State.LOST, limit=2) == ["r5", "r3"]
        assert found("J", State.FAILED, State.LOST) == []
        assert found(None, *State) == found(None) == ["r5", "r4", "r3", "r2", "r1", "r0"]

    def test_runs_before_a_run_are_the_older_ones(self, open_store: OpenStore) -> None:
        store = open_store()
        for run_id, seconds in (("x", 2), ("b", 1), ("z", 3), ("a", 1), ("c", 1)):
            state = State.FAILED if run_id in "xa" else State.RUNNING
            store.begin(run_of("J", run_id, seconds, state), job_of("J"))
        store.begin(run_of("K", "k", 1), job_of("K"))
        everything = store.runs()
        assert [run.id for run in everything] == ["z", "x", "k", "c", "a", "b"]
        for number, run in enumerate(everything, 1):
            assert store.runs(before=run) == everything[number:]
            assert store.runs(before=run, limit=2) == everything[number:][:2]
            assert store.runs("J", before=run) == [each for each in everything[number:] if each.job == "J"]
            failed = [each for each in everything[number:] if each.state is State.FAILED]
            assert store.runs(before=run, states=[State.FAILED]) == failed
            assert store.runs(before=run, states=list(State)) == everything[number:]

    def test_page_after_page_gives_every_run_once(self, open_store: OpenStore) -> None:
        store = open_store()
        for number in range(7):
            store.begin(run_of("J", f"r{number}", number % 2), job_of("J"))
        pages = [store.runs("J", limit=3)]
        while pages[-1]:
            pages.append(store.runs("J", limit=3, before=pages[-1][-1]))
        assert [len(page) for page in pages] == [3, 3, 1, 0]
        assert [run for page in pages for run in page] == store.runs("J")

    def test_runs_before_one_that_was_deleted_are_those_that_started_earlier(self, open_store: OpenStore) -> None:
        store = open_store()
        for number, (job, seconds) in enumerate([("J", 0), ("K", 1), ("J", 1), ("J", 2)]):
            store.begin(run_of(job, f"r{number}", seconds), job_of(job))
        cursor = store.runs("K")[0]
        store.delete("K")
        assert [run.id for run in store.runs(before=cursor)] == ["r0"]
        assert [run.id for run in store.runs("J", before=cursor, limit=5)] == ["r0"]
        assert store.runs("K", before=cursor) == []
