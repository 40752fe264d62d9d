"""What becomes of an attempt when gocron or the way to it fails: on the stand-in, where faults are injected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydag.engines.gocron import engine, notices, outage
from pydag.gocron.client import GoCronClient
from pydag.gocron.results import EndReason
from pydag.model.states import Reason, State
from pydag.settings import RunNew
from tests.support.commands import gate
from tests.support.fake_gocron import FakeGoCron, Fault
from tests.support.fake_gocron_core import RUNNING
from tests.support.gocron_runs import ROUNDS_TIME, Ahead, Runs, runs_on
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually

READS = "GET /api/task/log"


@pytest.fixture
def runs(fake: FakeGoCron, gocron: GoCronClient) -> Iterator[Runs]:
    with runs_on(Lab(gocron, fake)) as made:
        yield made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    """The engine's clock."""
    ahead = Ahead()
    monkeypatch.setattr(engine, "time", ahead)
    return ahead


def name(runs: Runs, task: int = 0) -> str:
    return f"{runs.lab.prefix}:{task}"


def ended_rows(fake: FakeGoCron) -> int:
    return sum(row.status != RUNNING for row in list(fake.core.rows.values()))


# Triggers.


def test_a_run_whose_trigger_was_not_answered_is_found_by_its_row(runs: Runs, fake: FakeGoCron) -> None:
    runs.prepare("echo hi")
    fake.fail(Fault.LOST_ANSWER, "/api/task/run/")
    runs.start()
    assert runs.end().state is State.SUCCESS
    assert fake.fired[Fault.LOST_ANSWER] == 1
    assert fake.counts["GET /api/task/run/:id"] == 1


def test_a_trigger_that_was_lost_before_it_had_its_effect_is_lost_after_a_while(
    runs: Runs, fake: FakeGoCron, clock: Ahead
) -> None:
    runs.prepare("echo hi")
    fake.fail(Fault.CUT, "/api/task/run/")
    runs.start()
    runs.let_run(0.3)
    clock.by = engine.APPEAR_WITHIN - 1
    runs.let_run(0.3)
    assert runs.nothing_ended()
    clock.by = engine.APPEAR_WITHIN + 1
    end = runs.end()
    assert (end.state, end.reason) == (State.LOST, Reason.UNKNOWN)
    assert end.detail.startswith(f"the connection to gocron at {fake.address} broke")
    assert end.detail.endswith("no run of it was seen after that")
    assert fake.fired[Fault.CUT] == 1
    assert fake.counts["GET /api/task/run/:id"] == 1


def test_a_run_that_was_never_requested_is_failed_and_not_lost(runs: Runs, fake: FakeGoCron) -> None:
    runs.prepare("echo hi")
    fake.fail(Fault.CUT, "/api/task/log", times=3)
    runs.start()
    end = runs.end()
    assert (end.state, end.reason) == (State.FAILED, Reason.NOT_STARTED)
    assert fake.fired[Fault.CUT] == 3
    assert fake.counts["GET /api/task/run/:id"] == 0


def test_a_task_that_somebody_deleted_did_not_start(runs: Runs) -> None:
    runs.prepare("echo hi")
    runs.lab.client.delete_task(runs.task_id())
    runs.start()
    end = runs.end()
    assert (end.state, end.reason) == (State.FAILED, Reason.NOT_STARTED)
    assert "there is no such task" in end.detail or "run task" in end.detail


# Fact 4.
def test_a_row_that_comes_late_is_waited_for(runs: Runs, fake: FakeGoCron) -> None:
    fake.core.row_delay = 0.5
    runs.go("echo hi")
    assert runs.end().state is State.SUCCESS


# Rounds.


@pytest.mark.parametrize("fault", [Fault.HTTP_500, Fault.CODE_401, Fault.CUT, Fault.LOST_ANSWER])
def test_a_round_that_fails_ends_nothing_and_the_run_goes_on(
    runs: Runs, fake: FakeGoCron, fault: Fault, tmp_path: Path
) -> None:
    runs.go(gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    fake.fail(fault, "/api/task/log", times=5)
    runs.run_until(lambda: fake.fired[fault] == 5)
    assert runs.nothing_ended()
    (tmp_path / "gate").touch()
    assert runs.end().state is State.SUCCESS


def test_trouble_is_reported_once_and_its_end_too(
    runs: Runs, fake: FakeGoCron, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs.go(gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    fake.fail(Fault.HTTP_500, "/api/task/log", times=9)
    runs.run_until(lambda: fake.fired[Fault.HTTP_500] == 9)
    (tmp_path / "gate").touch()
    assert runs.end().state is State.SUCCESS
    first, last = [record.getMessage() for record in caplog.records]
    assert first == (
        f"gocron at {fake.address} answered with HTTP 500: look into its log; its runs go on, pydag asks again"
    )
    assert last == "gocron answers again"


# Rows that say what is not so.


# Fact 6.
def test_a_finished_row_without_a_host_line_is_lost(runs: Runs, fake: FakeGoCron) -> None:
    fake.core.panics.add(name(runs))
    runs.go("echo hi")
    end = runs.end()
    assert (end.state, end.exit_status, end.reason) == (State.LOST, None, Reason.UNKNOWN)
    assert end.detail == EndReason.NO_HOST_LINE.value


# Fact 7.
def test_a_row_that_never_ends_is_lost_a_stated_while_after_its_timeout(
    runs: Runs, fake: FakeGoCron, clock: Ahead
) -> None:
    fake.core.never_ends.add(name(runs))
    runs.go("echo hi", timeout=100.0)
    runs.let_run(0.3)
    clock.by = 100.0 + engine.LOST_AFTER - 5
    runs.let_run(0.3)
    assert runs.nothing_ended()
    clock.by = 100.0 + engine.LOST_AFTER + 1
    end = runs.end()
    assert (end.state, end.reason, end.detail) == (State.LOST, Reason.UNKNOWN, engine.NO_END_SEEN)


def test_a_task_that_runs_as_it_is_on_gocron_has_the_time_that_it_has_there(
    fake: FakeGoCron, gocron: GoCronClient, clock: Ahead
) -> None:
    lab = Lab(gocron, fake)
    task_id = lab.create("echo hi", name=f"{lab.prefix}:0", timeout=100)
    fake.core.never_ends.add(fake.core.tasks[task_id].name)
    with runs_on(lab, run_new=RunNew.NO) as runs:
        runs.go("as it is there", timeout=1.0)
        runs.let_run(0.3)
        clock.by = 1.0 + engine.LOST_AFTER + 1
        runs.let_run(0.3)
        assert runs.nothing_ended()
        clock.by = 100.0 + engine.LOST_AFTER + 1
        assert runs.end().state is State.LOST


# Fact 7.
def test_while_gocrons_queue_is_full_nothing_is_given_up(
    runs: Runs, fake: FakeGoCron, clock: Ahead, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "QUEUE", 2)
    runs.go(gate(tmp_path / "gate"), gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    eventually(lambda: len(fake.core.rows) == 2)
    runs.let_run(0.3)
    clock.by = 10_000.0
    runs.let_run(0.5)
    assert runs.nothing_ended()
    (tmp_path / "gate").touch()
    assert [end.state for end in runs.ends(2)] == [State.SUCCESS] * 2


def test_a_row_of_somebody_else_without_a_result_invents_nothing(runs: Runs, fake: FakeGoCron, tmp_path: Path) -> None:
    runs.go(gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    fake.add_foreign_row(runs.task_id(), "")
    runs.let_run(0.3)
    assert runs.nothing_ended()
    (tmp_path / "gate").touch()
    end = runs.end()
    assert (end.state, end.exit_status) == (State.LOST, None)


# What is said of a wait, and outages.


def test_after_30_seconds_it_is_said_what_pydag_waits_for_and_once(runs: Runs, fake: FakeGoCron, clock: Ahead) -> None:
    fake.core.never_ends.add(name(runs))
    runs.go("echo hi", timeout=3600.0)
    runs.run_until(lambda: len(fake.core.rows) == 1)
    clock.by = notices.SILENT - 5
    runs.let_run(0.3)
    assert runs.said() == []
    clock.by = notices.SILENT + 1
    runs.run_until(lambda: bool(runs.said()))
    clock.by += 600.0
    runs.let_run(0.5)
    (said,) = runs.said()
    assert re.fullmatch(
        r"gocron says that it runs \(row \d+ of its log\), and would say so for ever if it could not store the "
        r"output or was restarted: lost at \d\d:\d\d:\d\d UTC",
        said,
    )
    assert runs.nothing_ended()


def test_while_others_end_nothing_is_said(runs: Runs, fake: FakeGoCron, clock: Ahead) -> None:
    fake.core.never_ends.add(name(runs))
    runs.prepare("true", "true")
    runs.start(0)
    runs.let_run(0.3)
    clock.by = notices.SILENT - 1
    runs.start(1)
    runs.run_until(lambda: not runs.nothing_ended())
    clock.by = notices.SILENT + 5
    runs.let_run(0.3)
    assert runs.said() == []


def test_a_gocron_that_was_killed_loses_what_ran_a_stated_while_after_it_is_back(
    runs: Runs, fake: FakeGoCron, clock: Ahead, tmp_path: Path
) -> None:
    runs.go(gate(tmp_path / "gate"), timeout=3600.0)
    eventually((tmp_path / "gate.open").exists)
    runs.let_run(0.3)
    fake.crash()
    runs.let_run(1.0)
    assert runs.nothing_ended()
    fake.come_back()
    runs.run_until(lambda: bool(runs.said()))
    assert runs.said()[0].startswith("gocron was away and answers again; if it was restarted, it never says how")
    clock.by = outage.WAIT - 5
    runs.let_run(0.5)
    assert runs.nothing_ended()
    clock.by = outage.WAIT + 1
    end = runs.end()
    assert (end.state, end.reason, end.detail) == (State.LOST, Reason.UNKNOWN, engine.RESTARTED)
    assert fake.core.orphans


def test_what_starts_after_a_restart_is_not_lost_by_it(
    runs: Runs, fake: FakeGoCron, clock: Ahead, tmp_path: Path
) -> None:
    runs.prepare("true", gate(tmp_path / "gate"))
    runs.start(0)
    runs.end()
    fake.crash()
    fake.come_back()
    runs.start(1)
    runs.run_until((tmp_path / "gate.open").exists)
    clock.by = outage.WAIT + 10
    runs.let_run(0.5)
    (tmp_path / "gate").touch()
    assert {end.state for end in runs.ends(2)} == {State.SUCCESS}


def test_a_gocron_that_was_only_out_of_reach_tells_the_true_outcome(
    runs: Runs, fake: FakeGoCron, tmp_path: Path
) -> None:
    runs.go(gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    runs.let_run(0.3)
    fake.vanish()
    runs.let_run(1.0)
    fake.come_back()
    runs.run_until(lambda: bool(runs.said()))
    (tmp_path / "gate").touch()
    assert runs.end().state is State.SUCCESS


def test_an_end_after_an_outage_shows_that_nothing_was_restarted(
    runs: Runs, fake: FakeGoCron, clock: Ahead, tmp_path: Path
) -> None:
    runs.go(gate(tmp_path / "one"), gate(tmp_path / "two"), timeout=3600.0)
    eventually((tmp_path / "one.open").exists)
    eventually((tmp_path / "two.open").exists)
    runs.let_run(0.3)
    fake.vanish()
    runs.let_run(1.0)
    fake.come_back()
    runs.run_until(lambda: bool(runs.said()))
    (tmp_path / "one").touch()
    assert runs.end().state is State.SUCCESS
    clock.by = outage.WAIT + 10
    runs.let_run(0.5)
    (tmp_path / "two").touch()
    assert [end.state for end in runs.ends(2)] == [State.SUCCESS] * 2


# Times.


@pytest.mark.parametrize("ahead", [0.0, 120.0])
def test_times_are_gocrons_own_and_not_those_of_the_look(
    runs: Runs, fake: FakeGoCron, tmp_path: Path, ahead: float
) -> None:
    fake.core.ahead = ahead
    runs.go(gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    runs.let_run(0.3)
    (tmp_path / "gate").touch()
    eventually(lambda: ended_rows(fake) == 1)
    row = fake.core.rows[max(fake.core.rows)]
    runs.let_run(0.0)
    end = runs.end()
    assert end.started is not None
    assert end.ended is not None
    assert end.started.timestamp() <= row.started + 0.1
    assert abs(end.ended.timestamp() - row.ended) <= 0.6


# Stops.


def test_a_stop_that_gocron_does_not_confirm_ends_as_lost(runs: Runs, fake: FakeGoCron, clock: Ahead) -> None:
    fake.core.never_ends.add(name(runs))
    runs.go("echo hi")
    runs.let_run(0.3)
    runs.engine.stop(force=False)
    runs.let_run(0.3)
    assert runs.nothing_ended()
    clock.by = engine.STOP_WITHIN + 1
    end = runs.end()
    assert (end.state, end.reason) == (State.LOST, Reason.UNKNOWN)
    assert end.detail == "it was asked to stop, and gocron did not say that it ended"


def test_a_forced_stop_waits_for_nobody(runs: Runs, fake: FakeGoCron) -> None:
    fake.core.never_ends.add(name(runs))
    runs.go("echo hi")
    runs.let_run(0.3)
    runs.engine.stop(force=True)
    assert runs.end().state is State.LOST


# How much is asked.


def test_a_round_over_200_attempts_is_one_request(runs: Runs, fake: FakeGoCron, clock: Ahead) -> None:
    fake.core.never_ends.update(name(runs, task) for task in range(200))
    runs.go(*["true"] * 200)
    runs.run_until(lambda: len(fake.core.rows) == 200)
    runs.let_run(0.3)
    before = sum(fake.counts.values())
    clock.by += ROUNDS_TIME
    runs.let_run(0.0)
    assert sum(fake.counts.values()) - before == 1


def test_many_that_ended_at_once_are_read_by_whole_pages(runs: Runs, fake: FakeGoCron) -> None:
    runs.go(*["true"] * 60)
    eventually(lambda: ended_rows(fake) == 60)
    runs.let_run(0.0)
    before = fake.counts[READS]
    assert {end.state for end in runs.ends(60)} == {State.SUCCESS}
    assert fake.counts[READS] - before <= 4


def test_one_read_of_the_newest_row_serves_all_that_start_together(runs: Runs, fake: FakeGoCron) -> None:
    runs.go(*["true"] * 30)
    assert len(runs.ends(30)) == 30
    assert len([line for line in fake.requests if line == f"{READS}?page=1&page_size=1"]) == 1
