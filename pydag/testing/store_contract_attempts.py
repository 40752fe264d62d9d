"""The store contract: attempts and their output."""

from __future__ import annotations

from dataclasses import replace

from pydag.model.actions import Shell
from pydag.model.run import Attempt, Output, Usage
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State
from pydag.testing.records import at, attempt_of, job_of, run_of
from pydag.testing.store_cases import Breaking, Broken, OpenStore, output_of, raises


class AttemptsContract:
    """Part of `StoreContract`."""

    def test_output_is_added_in_order_byte_for_byte(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        handle.write(outputs=[Output(task=0, number=1, data=b"\0\xff"), Output(task=1, number=1, data=b"other")])
        handle.write(outputs=[Output(task=0, number=1, data=b""), Output(task=0, number=2, data=b"second")])
        other = open_store().reopen("r1")
        other.write(outputs=[Output(task=0, number=1, data=b"\r\nno end"), Output(task=0, number=1, data=b"!")])
        handle.write(outputs=[Output(task=0, number=1, data=b"!")])
        assert output_of(store, "r1", 0, 1) == b"\0\xff\r\nno end!!"
        assert output_of(store, "r1", 0, 2) == b"second"
        assert output_of(store, "r1", 1, 1) == b"other"
        assert output_of(store, "r1", 1, 2) == b""

    def test_output_is_read_from_any_byte_on(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        for data in (b"abc", b"d", b"efgh"):
            handle.write(outputs=[Output(task=0, number=1, data=data)])
        for start in range(10):
            assert output_of(store, "r1", 0, 1, start) == b"abcdefgh"[start:]

    def test_large_output_comes_back_from_any_byte_on(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        mebibyte = bytes(range(256)) * 4096
        data = mebibyte * 20 + b"end"
        handle.write(outputs=[Output(task=0, number=1, data=data)])
        handle.write(outputs=[Output(task=0, number=1, data=b"more")])
        assert output_of(store, "r1", 0, 1) == data + b"more"
        assert output_of(store, "r1", 0, 1, len(data) - 5) == data[-5:] + b"more"
        assert output_of(store, "r1", 0, 1, 2**20 - 1) == data[2**20 - 1 :] + b"more"

    def test_hooks_are_kept_behind_the_last_task_after_the_end_of_their_run(self, open_store: OpenStore) -> None:
        store = open_store()
        hooks = tuple(TaskSpec(name=name, action=Shell("true", strict=True)) for name in ("on_failure", "on_end"))
        spec = replace(job_of("J", 2), hooks=hooks)
        run = run_of("J", "r1")
        store.begin(run, spec).finish(State.FAILED, at(5))
        attempt = attempt_of(3, state=State.SUCCESS)
        for state in (State.RUNNING, State.SUCCESS):
            handle = open_store().reopen("r1")
            handle.write([attempt._replace(state=state)], [Output(task=3, number=1, data=b"mail")])
        record = open_store().load(run)
        assert record.spec == spec
        assert (record.state, record.run.ended) == (State.FAILED, at(5))
        assert {name: hook.attempts for name, hook in record.hooks.items()} == {"on_end": (attempt,)}
        assert [task.attempts for task in record.tasks.values()] == [(), ()]
        assert output_of(store, "r1", 3, 1) == b"mailmail"

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
            Attempt(task=0, number=203, state=State.SUCCESS, usage=Usage(user=0.1, system=0.000001, peak_memory=2**40)),
            Attempt(task=0, number=204, state=State.FAILED, usage=Usage(user=0.0, system=1e9)),
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

    def test_the_end_of_a_task_that_was_not_attempted_is_kept(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        handle.write([Attempt.not_attempted(1, State.SKIPPED, reason=Reason.UPSTREAM)])
        record = store.load(run)
        assert (record.tasks["t1"].state, record.tasks["t1"].reason) == (State.SKIPPED, Reason.UPSTREAM)
        assert record.tasks["t1"].attempts == ()
        assert record.tasks["t0"].state is State.PENDING

    def test_a_write_that_raises_has_written_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        outputs = Breaking([Output(task=0, number=1, data=b"text")])
        raises(Broken, lambda: handle.write([attempt_of(0)], outputs))
        raises(Broken, lambda: handle.write(Breaking([attempt_of(0)])))
        assert open_store().load(run).tasks["t0"].attempts == ()
        assert output_of(open_store(), "r1", 0, 1) == b""
        handle.write([attempt_of(0)])
        assert open_store().load(run).tasks["t0"].attempts == (attempt_of(0),)

    def test_the_end_of_an_output_is_read_alone(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        for data in (b"abc", b"d", b"efgh"):
            handle.write(outputs=[Output(task=0, number=1, data=data)])
        for length in range(1, 10):
            assert output_of(store, "r1", 0, 1, -length) == b"abcdefgh"[-length:]
        assert output_of(store, "r1", 1, 1, -5) == output_of(store, "r2", 0, 1, -5) == b""

    def test_the_size_of_an_output_counts_its_bytes(self, open_store: OpenStore) -> None:
        store = open_store()
        handle = store.begin(run_of("J", "r1"), job_of("J"))
        assert store.output_size("r1", 0, 1) == 0
        handle.write(outputs=[Output(task=0, number=1, data=b"\0" * (3 * 2**20))])
        handle.write(outputs=[Output(task=0, number=1, data=b"more"), Output(task=1, number=1, data=b"other")])
        assert store.output_size("r1", 0, 1) == 3 * 2**20 + 4
        assert store.output_size("r1", 1, 1) == 5
        assert store.output_size("r1", 1, 2) == store.output_size("r2", 0, 1) == 0
        assert output_of(store, "r1", 0, 1, -6) == b"\0\0more"

    def test_replacing_an_attempt_removes_its_usage(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        ended = attempt_of(0, 1, State.FAILED)
        handle.write([ended._replace(usage=Usage(user=1.0, system=0.5, peak_memory=2**40))])
        handle.write([ended])
        assert open_store().load(run).tasks["t0"].attempts == (ended,)
