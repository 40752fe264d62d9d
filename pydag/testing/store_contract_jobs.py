"""The store contract: jobs, and what is deleted with them."""

from __future__ import annotations

from pydag.errors import NotFound
from pydag.model.actions import Shell
from pydag.model.run import Output
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State, When
from pydag.testing.records import HOSTILE_NAMES, START, at, attempt_of, job_of, run_of
from pydag.testing.store_cases import OpenStore, output_of, raises


class JobsContract:
    """Part of `StoreContract`."""

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

    def test_a_run_keeps_the_definition_it_ran_with(self, open_store: OpenStore) -> None:
        store = open_store()
        first, second = job_of("J", 2, "echo 1"), job_of("J", 3, "echo 2")
        runs = [run_of("J", f"r{number}", number) for number in range(3)]
        for run, spec in zip(runs, (first, second, first), strict=True):
            store.begin(run, spec)
        store.save_job(job_of("J", 1), at(9))
        assert [store.load(run).spec for run in runs] == [first, second, first]
        assert store.job("J") == job_of("J", 1)

    def test_deleting_a_job_removes_all_of_it_and_nothing_else(self, open_store: OpenStore) -> None:
        store = open_store()
        for name in ("J", "K"):
            handle = store.begin(run_of(name, f"{name}1"), job_of(name))
            handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"text")])
        store.delete("J")
        other = open_store()
        assert [entry.name for entry in other.jobs()] == ["K"]
        assert [run.id for run in other.runs()] == [run.id for run in other.runs(states=[State.RUNNING])] == ["K1"]
        assert other.runs("J") == []
        assert output_of(other, "J1", 0, 1) == b""
        assert output_of(other, "K1", 0, 1) == b"text"
        assert other.load(run_of("K", "K1")).tasks["t0"].attempts == (attempt_of(0),)
        raises(NotFound, lambda: other.job("J"))
        raises(NotFound, lambda: other.load(run_of("J", "J1")))
        raises(NotFound, lambda: other.delete("J"))

    def test_single_runs_of_a_job_can_be_deleted(self, open_store: OpenStore) -> None:
        store = open_store()
        for number in range(4):
            spec = job_of("J", command=f"echo {number // 2}")
            handle = store.begin(run_of("J", f"r{number}", number), spec)
            handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"text" * 2**18)])
        store.begin(run_of("K", "k1"), job_of("K"))
        store.delete("J", ["r0", "r1", "r3", "k1", "no such run"])
        other = open_store()
        assert [run.id for run in other.runs()] == ["r2", "k1"]
        assert other.load(run_of("J", "r2")).spec == other.job("J") == job_of("J", command="echo 1")
        assert output_of(other, "r2", 0, 1) == b"text" * 2**18
        assert output_of(other, "r3", 0, 1) == b""
        other.delete("J", [])
        other.delete("J", ["r2"])
        assert [entry.name for entry in other.jobs()] == ["J", "K"]
        assert other.jobs()[0].last_run is None
        other.begin(run_of("J", "r0", 9), job_of("J", command="echo 0"))
        assert other.load(run_of("J", "r0")).tasks["t0"].attempts == ()
        raises(NotFound, lambda: other.delete("no such job", ["r0"]))

    def test_runs_can_lose_their_output_alone(self, open_store: OpenStore) -> None:
        store = open_store()
        for run_id in ("r1", "r2"):
            handle = store.begin(run_of("J", run_id), job_of("J"))
            ends = [attempt_of(0, 1, State.FAILED), attempt_of(0, 2)._replace(output_dropped=7), attempt_of(1)]
            outputs = [Output(task=0, number=1, data=b"\0" * (2**20 + 1)), Output(task=0, number=2, data=b"abc")]
            handle.write(ends, outputs)
        store.delete("J", ["r1", "r9"], only_output=True)
        tasks = open_store().load(run_of("J", "r1")).tasks
        assert tasks["t0"].attempts == (ends[0]._replace(output_dropped=2**20 + 1), ends[1]._replace(output_dropped=10))
        assert tasks["t1"].attempts == (ends[2],)
        assert [output_of(store, "r1", 0, number) for number in (1, 2)] == [b"", b""]
        assert store.load(run_of("J", "r2")).tasks["t0"].attempts == tuple(ends[:2])
        assert output_of(store, "r2", 0, 2) == b"abc"
        store.delete("J", ["r1"], only_output=True)
        assert open_store().load(run_of("J", "r1")).tasks == tasks

    def test_a_job_may_come_again_after_it_was_deleted(self, open_store: OpenStore) -> None:
        store = open_store()
        run = run_of("J", "r1")
        handle = store.begin(run, job_of("J"))
        handle.write([attempt_of(0)], [Output(task=0, number=1, data=b"old")])
        store.delete("J")
        store.begin(run, job_of("J"))
        assert store.load(run).tasks["t0"].attempts == ()
        assert output_of(store, "r1", 0, 1) == b""

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
            assert output_of(store, name, number, 1) == name.encode()
        for number, name in enumerate(HOSTILE_NAMES, 1):
            store.delete(name)
            assert {entry.name for entry in store.jobs()} == set(HOSTILE_NAMES[number:])

    def test_a_name_without_utf8_is_not_found(self, open_store: OpenStore) -> None:
        store = open_store()
        store.save_job(job_of("\\udce9"), START)
        raises(NotFound, lambda: store.job("\udce9"))
        raises(NotFound, lambda: store.delete("\udce9"))
        assert store.runs("\udce9") == []
