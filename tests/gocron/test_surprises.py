"""What else is true of gocron, beyond the numbered facts; each was found on a real server. Both dialects."""

from pathlib import Path

import pytest

from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import Protocol
from pydag.gocron.records import LogStatus
from pydag.gocron.results import EndReason
from tests.support.fake_gocron import PASSWORD, USER, FakeGoCron
from tests.support.gocron_targets import Lab, end_of
from tests.support.waiting import eventually


def test_a_stop_of_an_ended_run_rewrites_its_row_in_the_fork(lab: Lab) -> None:
    row = lab.run("echo hi")
    assert lab.raw("POST", "/api/task/log/stop", id=row.id, task_id=row.task_id)["code"] == 0
    after = lab.row(row)
    assert (after == row) is lab.original
    if not lab.original:
        assert end_of(after).reason is EndReason.ORPHANED


def test_a_run_whose_task_was_deleted_cannot_be_stopped(lab: Lab, tmp_path: Path) -> None:
    go = tmp_path / "go"
    row = lab.start(lab.create(f"until [ -e {go} ]; do sleep 0.05; done"))
    lab.client.delete_task(row.task_id)
    assert lab.raw("POST", "/api/task/log/stop", id=row.id, task_id=row.task_id)["code"] == 1
    go.touch()
    assert end_of(lab.ended(row)).reason is None


def test_an_update_of_a_missing_task_is_called_a_success(lab: Lab) -> None:
    name = lab.name()
    assert lab.raw_store(name=name, id=99_999_999)["code"] == 0
    assert lab.client.tasks(name=name) == []


def test_an_update_without_a_schedule_takes_it_from_a_scheduled_task(lab: Lab) -> None:
    task = lab.form()
    assert lab.raw_store(name=task.name, level=1, spec="@yearly")["code"] == 0
    (found,) = lab.client.tasks(tag=lab.prefix)
    assert found.form.schedule == "@yearly"
    lab.client.update_task(found.id, task)
    (raw,) = lab.raw("GET", "/api/task", id=found.id)["data"]["data"]
    assert (raw["spec"], raw["level"]) == ("", 1)


def test_names_that_differ_in_case_are_the_same_to_the_original(lab: Lab) -> None:
    name = lab.name("x")
    assert lab.raw_store(name=name)["code"] == 0
    assert lab.raw_store(name=name.upper())["code"] == int(lab.original)


def test_a_disabled_task_can_be_run_and_its_name_be_taken_again(lab: Lab) -> None:
    task = lab.form()
    lab.client.store_task(task)
    task_id = lab.client.tasks(name=task.name)[0].id
    assert lab.raw("POST", f"/api/task/disable/{task_id}")["code"] == 0
    assert end_of(lab.ended(lab.start(task_id))).reason is None
    assert lab.raw_store(name=task.name)["code"] == 0
    assert [found.enabled for found in lab.client.tasks(name=task.name)] == [True, False]


def test_node_names_beyond_128_characters_leave_the_original_without_a_row(lab: Lab) -> None:
    names = [f"{letter}.{'x' * 58}.invalid" for letter in "ab"]
    nodes = [lab.client.add_host(name[:64], 1, "l" * 32, remark=lab.prefix) for name in names]
    task_id = lab.create(node_ids=tuple(node.id for node in nodes))
    lab.client.run_task(task_id)
    if lab.original:
        assert lab.end_of("echo later").reason is None
        assert lab.client.newest_log_id(task_id) == 0
    else:
        eventually(lambda: lab.client.newest_log_id(task_id) > 0)


def test_an_http_task_has_no_host_line_and_no_reason(lab: Lab) -> None:
    url = lab.address + "/api/install/status"
    end = lab.end_of(url, protocol=Protocol.HTTP)
    assert (end.host, end.reason) == (None, None)
    assert '"code":0' in end.output.replace(" ", "")
    refused = lab.end_of("http://127.0.0.1:1/", protocol=Protocol.HTTP)
    assert refused.reason is EndReason.HTTP
    assert refused.output.startswith("执行HTTP请求错误-")


@pytest.mark.parametrize("dialect", ["original", "fork"])
def test_a_stop_of_a_waiting_run_has_no_effect_and_the_fork_calls_the_row_cancelled_until_it_ends(
    dialect: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    server = FakeGoCron("fork" if dialect == "fork" else "original", queue=1)
    with server as fake, GoCronClient(fake.address, USER, PASSWORD) as client:
        lab = Lab(client, fake)
        blocker = lab.start(lab.create(f"until [ -e {go} ]; do sleep 0.02; done"))
        queued = lab.start(lab.create("echo ran"))
        assert queued.status is LogStatus.RUNNING
        assert client.stop_task(queued.id, queued.task_id)
        reason = end_of(lab.row(queued)).reason
        assert reason is (EndReason.ORPHANED if dialect == "fork" else None)
        assert client.stop_task(queued.id, queued.task_id)
        go.touch()
        lab.ended(blocker)
        eventually(lambda: end_of(lab.row(queued)).output.strip() == "ran")
        assert lab.row(queued).status is LogStatus.FINISHED
