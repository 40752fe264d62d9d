"""The faults of the stand-in for gocron, which no real server shows on demand."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import HttpMethod, Protocol
from pydag.gocron.http import NoAnswer
from pydag.gocron.records import LogStatus
from pydag.gocron.results import EndReason
from tests.support.fake_gocron import PASSWORD, USER, FakeGoCron, Fault
from tests.support.gocron_targets import Lab, end_of, in_threads
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stand_in(gocron: GoCronClient, fake: FakeGoCron) -> Lab:
    return Lab(gocron, fake)


# Fact 7.
def test_a_run_says_running_while_it_waits_in_the_queue(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with FakeGoCron(queue=1) as fake, GoCronClient(fake.address, USER, PASSWORD) as gocron:
        lab = Lab(gocron, fake)
        rows = [lab.start(lab.create(f"until [ -e {go} ]; do sleep 0.02; done; echo $$"))]
        rows += [lab.start(lab.create("echo second"))]
        assert {row.id for row in gocron.running()} == {row.id for row in rows}
        go.touch()
        assert [end_of(lab.ended(row)).reason for row in rows] == [None, None]


# Fact 4.
def test_a_row_may_come_after_the_answer_to_run(stand_in: Lab, fake: FakeGoCron) -> None:
    task_id = stand_in.create()
    fake.core.row_delay = 0.3
    stand_in.client.run_task(task_id)
    assert stand_in.client.newest_log_id(task_id) == 0
    eventually(lambda: stand_in.client.newest_log_id(task_id) == 1)


# Fact 6.
def test_a_panic_looks_like_a_success_without_a_host_line(stand_in: Lab, fake: FakeGoCron) -> None:
    task = stand_in.form()
    fake.core.panics.add(task.name)
    row = stand_in.ended(stand_in.start(stand_in.client.create_task(task)))
    assert (row.status, row.result) == (LogStatus.FINISHED, "")
    assert end_of(row).reason is EndReason.NO_HOST_LINE


# Fact 7.
def test_a_row_may_never_end(stand_in: Lab, fake: FakeGoCron, tmp_path: Path) -> None:
    file = tmp_path / "ended"
    task = stand_in.form(f"touch {file}")
    fake.core.never_ends.add(task.name)
    row = stand_in.start(stand_in.client.create_task(task))
    eventually(file.exists)
    assert stand_in.end_of("echo later").reason is None
    assert stand_in.row(row).status is LogStatus.RUNNING


def test_a_node_can_be_put_out_of_reach(stand_in: Lab, fake: FakeGoCron) -> None:
    fake.core.unreachable.add("127.0.0.1")
    assert stand_in.end_of("echo hi", node_ids=(1, 2)).reason is EndReason.UNREACHABLE
    assert stand_in.end_of("echo hi", node_ids=(2,)).reason is None


# Fact 20.
def test_the_first_run_after_a_restart_of_its_node_is_lost_on_the_original(stand_in: Lab, fake: FakeGoCron) -> None:
    fake.core.restarted.add("127.0.0.1")
    reasons = [stand_in.end_of("echo hi").reason for _ in range(2)]
    assert reasons == [EndReason.UNREACHABLE if stand_in.original else None, None]


# Fact 6.
def test_a_task_that_lost_its_nodes_looks_finished_in_the_original(stand_in: Lab, fake: FakeGoCron) -> None:
    task_id = stand_in.create()
    fake.core.tasks[task_id].host_ids = []
    row = stand_in.ended(stand_in.start(task_id))
    finished = fake.core.dialect == "original"
    assert (row.status is LogStatus.FINISHED, row.result) == (finished, "")
    assert end_of(row).reason is (EndReason.NO_HOST_LINE if finished else EndReason.OTHER)


def test_a_row_of_another_run_may_appear(stand_in: Lab, fake: FakeGoCron) -> None:
    task_id = stand_in.create()
    row_id = fake.add_foreign_row(task_id, "another's")
    (row,) = stand_in.client.logs(task_id=task_id)
    assert (row.id, row.result, row.status) == (row_id, "another's", LogStatus.FINISHED)


def test_each_fault_fires_as_often_as_planned_and_is_counted(fake: FakeGoCron) -> None:
    url = fake.address + "/api/install/status"
    fake.fail(Fault.HTTP_500, times=2)
    fake.fail(Fault.CODE_401, "/api/install")
    fake.fail(Fault.CUT, "/api/elsewhere")
    answers = [requests.get(url) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 500, 200, 200]
    assert [answer.json()["code"] for answer in answers[2:]] == [401, 0]
    assert fake.fired == {Fault.HTTP_500: 2, Fault.CODE_401: 1}
    assert fake.counts == {"GET /api/install/status": 4}


def test_a_cut_has_no_effect_and_a_lost_answer_has(stand_in: Lab, fake: FakeGoCron) -> None:
    task_id = stand_in.create()
    for fault, rows in ((Fault.CUT, 0), (Fault.LOST_ANSWER, 1)):
        fake.fail(fault, "/api/task/run")
        with pytest.raises(NoAnswer):
            stand_in.client.run_task(task_id)
        assert fake.fired[fault] == 1
        eventually(lambda: len(fake.core.rows) == rows)  # noqa: B023 - called at once


def test_a_slow_server_answers_late(fake: FakeGoCron) -> None:
    fake.slow = 1.0
    with pytest.raises(requests.ReadTimeout):
        requests.get(fake.address + "/api/install/status", timeout=0.1)
    fake.slow = 0.0
    assert requests.get(fake.address + "/api/install/status", timeout=30).ok


# Fact 9.
def test_a_token_ends_with_its_life(fake: FakeGoCron) -> None:
    fake.token_life = 0.2
    answer = requests.post(fake.address + "/api/user/login", data={"username": USER, "password": PASSWORD})
    headers = {"Auth-Token": answer.json()["data"]["token"]}

    def code() -> int:
        return int(requests.get(fake.address + "/api/task", headers=headers).json()["code"])

    eventually(lambda: code() == 401)


# Fact 9.
def test_a_locked_user_stays_out_with_the_right_password(fake: FakeGoCron) -> None:
    url = fake.address + "/api/user/login"
    for _ in range(5):
        requests.post(url, data={"username": USER, "password": "wrong"})
    answer = requests.post(url, data={"username": USER, "password": PASSWORD}).json()
    assert (answer["code"] == 0) is (fake.core.dialect == "original")


def test_before_the_installation_only_the_installation_answers(fake: FakeGoCron) -> None:
    fake.installed = False
    assert requests.get(fake.address + "/api/task").json()["code"] == 801
    assert requests.get(fake.address + "/api/install/status").json()["data"] is False


def test_connections_are_kept_alive(fake: FakeGoCron) -> None:
    with requests.Session() as session:
        for _ in range(3):
            session.get(fake.address + "/api/install/status")
    assert fake.connections == 1


def test_many_tasks_run_at_once(stand_in: Lab) -> None:
    task_ids = [stand_in.create(f"echo {number}") for number in range(20)]
    pending = iter(task_ids)
    in_threads(20, lambda: stand_in.client.run_task(next(pending)))
    eventually(lambda: len(stand_in.client.logs()) == 20 and not stand_in.client.running())
    outputs = sorted(int(end_of(row).output) for row in stand_in.client.logs())
    assert outputs == list(range(20))


def test_an_http_task_posts_the_query_of_its_url(stand_in: Lab, fake: FakeGoCron) -> None:
    url = f"{fake.address}/api/user/login?username={USER}&password={PASSWORD}"
    method = HttpMethod.POST
    end = stand_in.end_of(url, protocol=Protocol.HTTP, http_method=method)
    assert '"token"' in end.output
    assert f"username={USER}&password={PASSWORD}" in fake.bodies


@pytest.mark.parametrize("dialect", ["original", "fork"])
def test_it_runs_as_a_program_that_prints_its_address(dialect: str) -> None:
    command = [sys.executable, "-m", "tests.support.fake_gocron", "--port", "0", "--dialect", dialect]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        with GoCronClient(address, USER, PASSWORD) as gocron:
            assert gocron.dialect().value == dialect
        program.terminate()
