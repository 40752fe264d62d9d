"""What becomes of an attempt on gocron: pydag invents neither a success nor an end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pydag.engines.gocron import engine
from pydag.gocron.results import EndReason
from pydag.model.actions import HttpRequest, Shell
from pydag.model.spec import TaskSpec
from pydag.model.states import Reason, State
from pydag.settings import RunNew
from tests.support.commands import gate
from tests.support.gocron_runs import Ahead, Runs, runs_on
from tests.support.gocron_targets import Lab
from tests.support.processes import alive, pid_in
from tests.support.waiting import eventually

DIFFERENT = "somebody else ran this task on gocron at the same time, and the two ended differently"


@pytest.fixture
def runs(lab: Lab) -> Iterator[Runs]:
    with runs_on(lab) as made:
        yield made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    """The engine's clock."""
    ahead = Ahead()
    monkeypatch.setattr(engine, "time", ahead)
    return ahead


# Ends.


def test_an_attempt_has_the_node_that_ran_it_and_its_output_without_the_host_line(runs: Runs) -> None:
    runs.go("echo one; echo two >&2")
    node = runs.lab.nodes()[0]
    end = runs.end()
    assert (end.state, end.exit_status, end.host) == (
        State.SUCCESS,
        0,
        f"{node.alias}-{node.name}:{node.port}",
    )
    assert runs.output().rstrip() == b"one\ntwo"


def test_a_command_that_a_signal_ended_is_failed_and_says_so(runs: Runs) -> None:
    runs.go("kill -9 $$")
    end = runs.end()
    assert (end.state, end.exit_status) == (State.FAILED, None)
    assert end.detail == f"{EndReason.SIGNAL.value}: signal: killed"


# Fact 18.
def test_a_node_out_of_reach_loses_the_attempt(runs: Runs) -> None:
    node = runs.lab.client.add_host("127.0.0.1x", 1, runs.lab.prefix, remark=runs.lab.prefix)
    runs.go(TaskSpec(name="0", action=Shell("true", nodes=(node.id,))))
    end = runs.end()
    assert (end.state, end.reason) == (State.LOST, Reason.UNKNOWN)
    assert end.detail.startswith(EndReason.UNREACHABLE.value)


# Fact 6.
def test_a_node_that_no_longer_exists_is_not_a_success(lab: Lab) -> None:
    name = f"{lab.prefix}:0"
    assert lab.raw_store(name=name, host_id=32_000)["code"] == 0
    with runs_on(lab, run_new=RunNew.NO) as runs:
        runs.go("echo hi")
        assert runs.end().state is State.LOST
        assert runs.output() == b""


# Fact 14.
def test_output_that_is_not_text_loses_the_attempt_and_says_what_is_known(lab: Lab, clock: Ahead) -> None:
    with runs_on(lab) as runs:
        runs.go(r"printf '\377\376'")
        if lab.original:  # whose row says "running" for ever
            runs.let_run(0.5)
            clock.by = 60.0 + engine.LOST_AFTER
        end = runs.end()
    assert (end.state, end.reason, end.exit_status) == (State.LOST, Reason.UNKNOWN, None)
    known = engine.NO_END_SEEN if lab.original else EndReason.NOT_TEXT.value
    assert known in end.detail


# Fact 8.
def test_output_over_four_mebibytes_loses_the_attempt_and_says_why(runs: Runs) -> None:
    runs.go("head -c 5000000 /dev/zero | tr '\\0' a")
    end = runs.end()
    assert (end.state, end.reason) == (State.LOST, Reason.UNKNOWN)
    assert end.detail.startswith(EndReason.TOO_LARGE.value)


def test_gocron_enforces_the_timeout(runs: Runs) -> None:
    runs.go(TaskSpec(name="0", action=Shell("sleep 300"), timeout=0.2))
    end = runs.end()
    assert (end.state, end.reason) == (State.FAILED, Reason.TIMEOUT)


# Several nodes.


def test_a_task_of_two_nodes_runs_on_each_and_has_both_outputs(runs: Runs) -> None:
    first, second = runs.lab.nodes()
    runs.go(TaskSpec(name="0", action=Shell("echo hi", nodes=(first.id, second.alias))))
    end = runs.end()
    assert end.state is State.SUCCESS
    assert sorted(end.host.split(", ")) == sorted(f"{each.alias}-{each.name}:{each.port}" for each in (first, second))
    assert runs.output().split() == [b"hi", b"hi"]


def test_a_task_of_two_nodes_fails_when_one_of_them_fails(runs: Runs, tmp_path: Path) -> None:
    nodes = tuple(node.id for node in runs.lab.nodes())
    runs.go(TaskSpec(name="0", action=Shell(f"mkdir {tmp_path / 'one'} && echo made", nodes=nodes)))
    end = runs.end()
    assert (end.state, end.exit_status) == (State.FAILED, 1)
    assert b"made" in runs.output()


# A directory and variables, for which gocron has no fields.


def test_a_command_has_its_directory_and_variables(runs: Runs, tmp_path: Path) -> None:
    env = (("GREETING", "it's $HOME"),)
    runs.go(TaskSpec(name="0", action=Shell('pwd; echo "$GREETING"', env=env, cwd=str(tmp_path))))
    assert runs.end().state is State.SUCCESS
    assert runs.output().decode().split("\n")[:2] == [str(tmp_path), "it's $HOME"]


def test_nothing_of_a_command_runs_where_its_directory_is_missing(runs: Runs, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    runs.go(TaskSpec(name="0", action=Shell(f"true; touch {mark}", cwd=str(tmp_path / "missing"))))
    end = runs.end()
    assert (end.state, end.exit_status) == (State.FAILED, 1)
    assert not mark.exists()


# Somebody else starts the same task.


def test_a_run_by_somebody_else_that_ends_differently_leaves_the_attempt_lost(runs: Runs, tmp_path: Path) -> None:
    runs.go(f"cd {tmp_path} && mkdir one || exit 1; {gate('gate')}")
    eventually((tmp_path / "gate.open").exists)
    runs.lab.client.run_task(runs.task_id())
    eventually(lambda: len(runs.lab.client.logs(task_id=runs.task_id())) == 2)
    (tmp_path / "gate").touch()
    end = runs.end()
    assert (end.state, end.reason, end.detail) == (State.LOST, Reason.UNKNOWN, DIFFERENT)
    assert runs.output() == b""


def test_a_run_by_somebody_else_that_ends_the_same_way_changes_nothing(runs: Runs, tmp_path: Path) -> None:
    runs.go(gate(tmp_path / "gate"))
    eventually((tmp_path / "gate.open").exists)
    runs.lab.client.run_task(runs.task_id())
    eventually(lambda: len(runs.lab.client.logs(task_id=runs.task_id())) == 2)
    (tmp_path / "gate").touch()
    assert runs.end().state is State.SUCCESS


# Fact 4.
def test_an_earlier_run_is_not_taken_for_this_one(runs: Runs, tmp_path: Path) -> None:
    runs.prepare(f"mkdir {tmp_path / 'one'}")
    runs.start(number=1)
    assert runs.end().state is State.SUCCESS
    runs.events.clear()
    runs.start(number=2)
    end = runs.end()
    assert (end.number, end.state, end.exit_status) == (2, State.FAILED, 1)


# Fact 16.
def test_a_second_instance_of_a_single_task_does_not_start_on_the_original(lab: Lab, tmp_path: Path) -> None:
    task_id = lab.create(gate(tmp_path / "gate"), name=f"{lab.prefix}:0", single=True)
    lab.start(task_id)
    eventually((tmp_path / "gate.open").exists)
    with runs_on(lab, run_new=RunNew.NO) as runs:
        runs.go("as it is there")
        if not lab.original:  # where "one instance at a time" has no effect
            (tmp_path / "gate").touch()
        end = runs.end()
        (tmp_path / "gate").touch()
    expected = (State.FAILED, Reason.NOT_STARTED) if lab.original else (State.SUCCESS, None)
    assert (end.state, end.reason) == expected


# Stops.


def test_a_stop_kills_the_command_on_its_node(runs: Runs, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    runs.go(f"echo $$ > {file}; exec sleep 300")
    pid = pid_in(file)
    runs.engine.stop(force=False)
    end = runs.end()
    assert (end.state, end.reason) == (State.CANCELLED, Reason.INTERRUPTED)
    eventually(lambda: not alive(pid))


def test_what_was_not_triggered_yet_is_cancelled_and_never_runs(runs: Runs) -> None:
    runs.prepare("true")
    runs.start()
    runs.engine.stop(force=False)
    assert runs.end().state is State.CANCELLED
    assert runs.lab.client.newest_log_id(runs.task_id()) == 0


def test_closing_stops_what_runs(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with runs_on(lab) as runs:
        # The agent kills a command by a number that it notes a moment after the command began.
        runs.go(f"sleep 0.2; echo $$ > {file}; exec sleep 300")
        pid = pid_in(file)
    eventually(lambda: not alive(pid))


# HTTP tasks, which the server runs by itself.


class _Site(BaseHTTPRequestHandler):
    """Answers 200 with what it was asked, and 404 under /missing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(404 if self.path.startswith("/missing") else 200)
        self.end_headers()
        self.wfile.write(f"{self.command} {self.path} [{body.decode()}]".encode())

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def http(url: str, method: str) -> TaskSpec:
    return TaskSpec(name="0", action=HttpRequest(url, method))


def test_a_get_succeeds_with_the_answer_as_its_output(runs: Runs, site: str) -> None:
    runs.go(http(f"{site}/page?a=1", "GET"))
    end = runs.end()
    assert (end.state, end.host) == (State.SUCCESS, "")
    assert runs.output() == b"GET /page?a=1 []"


def test_a_post_sends_the_query_as_a_form(runs: Runs, site: str) -> None:
    runs.go(http(f"{site}/page?a=1", "POST"))
    assert runs.end().state is State.SUCCESS
    assert runs.output() == b"POST /page [a=1]"


def test_an_answer_other_than_200_is_a_failure(runs: Runs, site: str) -> None:
    runs.go(http(f"{site}/missing", "GET"))
    end = runs.end()
    assert (end.state, end.exit_status, end.detail) == (State.FAILED, None, EndReason.HTTP.value)


def test_a_server_that_does_not_answer_is_a_failure(runs: Runs) -> None:
    runs.go(http("http://127.0.0.1:1/", "GET"))
    assert runs.end().state is State.FAILED
