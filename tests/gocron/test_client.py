"""What the client promises: on the stand-in, where faults are injected, and on real servers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pygocron.pygocron import PyGoCron

from pydag.errors import EngineRefused, EngineUnreachable
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import HttpMethod, Protocol, TaskForm, form_fields
from pydag.gocron.http import NoAnswer
from pydag.gocron.records import Dialect, LogStatus
from pydag.gocron.results import EndReason
from tests.support.fake_gocron import FakeGoCron, Fault
from tests.support.fake_gocron_api import read_task
from tests.support.fake_gocron_core import Task
from tests.support.gocron_targets import Lab, end_of, in_threads
from tests.support.waiting import eventually

LOGIN = "POST /api/user/login"
STORE = "POST /api/task/store"
RUN = "GET /api/task/run/:id"


def job(number: int = 0, **changes: Any) -> TaskForm:
    values: dict[str, Any] = {"name": f"job:{number}", "command": "true", "tag": "job"}
    return TaskForm(**(values | {"node_ids": (1,)} | changes))


def stored(form: TaskForm) -> Task:
    made = read_task({key: str(value) for key, value in form_fields(form).items()})
    assert made is not None
    return made


# On every server


def test_a_created_task_is_there_as_it_was_described(lab: Lab) -> None:
    nodes = tuple(node.id for node in lab.nodes())
    form = lab.form("echo ' a'", node_ids=nodes, timeout=7, single=True, remark="why")
    task_id = lab.client.create_task(form)
    (found,) = lab.client.tasks(tag=lab.prefix)
    assert (found.id, found.enabled) == (task_id, True)
    node_ids = tuple(sorted(found.form.node_ids))
    assert replace(found.form, node_ids=node_ids) == replace(form, node_ids=tuple(sorted(nodes)), single=lab.original)


def test_an_http_task_is_there_as_it_was_described(lab: Lab) -> None:
    form = lab.form("http://127.0.0.1:1/x?y=z", protocol=Protocol.HTTP, http_method=HttpMethod.POST, timeout=300)
    lab.client.store_task(form)
    (found,) = lab.client.tasks(tag=lab.prefix)
    assert found.form == form


def test_tasks_are_found_by_their_exact_name_and_tag(lab: Lab) -> None:
    names = [lab.prefix + suffix for suffix in ("a_b", "axb", "a%b", "a_bc")]
    for name in names:
        lab.client.store_task(lab.form(name=name))
    lab.client.store_task(lab.form(name=lab.prefix + "t", tag=lab.prefix + "x"))
    for name in names:
        assert [task.form.name for task in lab.client.tasks(name=name)] == [name]
    assert sorted(task.form.name for task in lab.client.tasks(tag=lab.prefix)) == sorted(names)


def test_a_task_whose_name_is_taken_is_refused(lab: Lab) -> None:
    task = lab.form()
    lab.client.store_task(task)
    with pytest.raises(EngineRefused, match=task.name):
        lab.client.store_task(task)


def test_an_emoji_the_server_cannot_keep_is_refused_with_the_way_out(lab: Lab) -> None:
    task = lab.form("echo 😀")
    if lab.original:
        with pytest.raises(EngineRefused, match=r"could not keep it .*such as emoji"):
            lab.client.store_task(task)
    else:
        assert end_of(lab.run("echo 😀")).output == "😀"


def test_an_update_changes_the_task_and_keeps_its_id(lab: Lab) -> None:
    task = lab.form()
    task_id = lab.client.create_task(task)
    changed = lab.form("echo other", name=task.name, single=True, timeout=9)
    lab.client.update_task(task_id, changed)
    (found,) = lab.client.tasks(tag=lab.prefix)
    assert (found.id, found.form.command, found.form.timeout) == (task_id, "echo other", 9)
    assert found.form.single is lab.original


def test_an_update_of_a_missing_task_is_refused(lab: Lab) -> None:
    with pytest.raises(EngineRefused, match="99999999"):
        lab.client.update_task(99_999_999, lab.form())


def test_running_a_missing_task_is_refused_and_deleting_it_is_not(lab: Lab) -> None:
    with pytest.raises(EngineRefused, match="99999999"):
        lab.client.run_task(99_999_999)
    lab.client.delete_task(99_999_999)


def test_the_running_rows_of_many_tasks_come_together(lab: Lab, tmp_path: Path) -> None:
    rows = [lab.begin(tmp_path) for _ in range(3)]
    running = {row.id for row in lab.client.running()}
    assert {row.id for row in rows} <= running
    assert [lab.stop(row).reason for row in rows] == [EndReason.STOPPED] * 3


def test_rows_come_newest_first_above_the_id_given(lab: Lab) -> None:
    task_id = lab.create("true")
    rows = [lab.ended(lab.start(task_id)) for _ in range(3)]
    assert [row.id for row in lab.client.logs(task_id=task_id)] == [r.id for r in rows[::-1]]
    assert lab.client.logs(task_id=task_id, after_id=rows[0].id) == [rows[2], rows[1]]
    assert lab.client.logs(task_id=task_id, limit=2) == [rows[2], rows[1]]
    assert lab.client.logs(task_id=task_id, status=LogStatus.FAILED) == []
    assert lab.client.newest_log_id(task_id) == rows[2].id


def test_a_task_that_never_ran_has_no_newest_row(lab: Lab) -> None:
    assert lab.client.newest_log_id(lab.create()) == 0


def test_a_stop_leaves_the_row_of_an_ended_run_alone(lab: Lab) -> None:
    row = lab.run("echo hi")
    assert lab.client.stop_task(row.id, row.task_id) is False
    assert lab.row(row) == row


def test_nodes_are_listed_added_checked_and_removed(lab: Lab) -> None:
    lab.client.check_host(lab.nodes()[0].id)
    node = lab.client.add_host("127.0.0.78", 1, "dead", remark=lab.prefix)
    assert node in lab.client.hosts()
    with pytest.raises(EngineRefused, match=f"node {node.id}"):
        lab.client.check_host(node.id)
    task_id = lab.create(node_ids=(node.id,))
    with pytest.raises(EngineRefused, match=f"node {node.id}"):
        lab.client.remove_host(node.id)
    lab.client.delete_task(task_id)
    lab.client.remove_host(node.id)
    assert node not in lab.client.hosts()
    for call in (lab.client.remove_host, lab.client.check_host):
        with pytest.raises(EngineRefused, match=str(node.id)):
            call(node.id)


@pytest.mark.parametrize(("name", "port"), [("", 1), ("a" * 65, 1), ("a", 0), ("a", 65_536)])
def test_a_node_gocron_should_refuse_is_refused(lab: Lab, name: str, port: int) -> None:
    with pytest.raises(EngineRefused, match="cannot add node"):
        lab.client.add_host(name, port, "alias")


def test_a_login_that_ended_is_renewed_once_for_all_threads(lab: Lab) -> None:
    with lab.new_client(token="expired") as client:
        mine = lab.nodes()
        answers = in_threads(8, client.hosts)
        assert [isinstance(nodes, list) and nodes[:2] == mine for nodes in answers] == [True] * 8
    if lab.fake:
        assert lab.fake.counts[LOGIN] == 2  # with that of the lab's own client


def test_nothing_is_printed(lab: Lab, capfd: pytest.CaptureFixture[str]) -> None:
    lab.run("echo hi")
    assert capfd.readouterr() == ("", "")


def test_the_dialect_is_that_of_the_server(lab: Lab) -> None:
    if lab.fake is not None:
        assert lab.client.dialect() is Dialect(lab.fake.core.dialect)
    assert lab.client.dialect() in Dialect


def test_a_plain_pygocron_lends_its_address_and_its_login(lab: Lab) -> None:
    manager = PyGoCron(lab.address, lab.user, lab.password) if lab.original else lab.pygocron()
    with GoCronClient.from_pygocron(manager) as client:
        assert client.hosts()[:2] == lab.nodes()
    assert GoCronClient.from_pygocron(lab.client) is lab.client


def test_the_inherited_operations_still_work(lab: Lab) -> None:
    task = lab.form()
    lab.client.store_task(task)
    listed = lab.client.get_tasks(name=task.name)
    assert [found["name"] for found in listed["data"]] == [task.name]


# Where the server misbehaves


def test_pages_are_read_to_the_end(gocron: GoCronClient, fake: FakeGoCron) -> None:
    for number in range(2001):
        fake.core.save(stored(job(number)))
    assert len(gocron.tasks(tag="job")) == 2001
    assert fake.counts["GET /api/task"] == 3


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.LOST_ANSWER, Fault.HTTP_500])
def test_a_read_without_an_answer_is_tried_again(gocron: GoCronClient, fake: FakeGoCron, fault: Fault) -> None:
    fake.fail(fault, "/api/host", times=2)
    assert len(gocron.hosts()) == 2
    assert fake.fired[fault] == 2


def test_a_read_is_given_up_after_three_tries(gocron: GoCronClient, fake: FakeGoCron) -> None:
    fake.fail(Fault.CUT, "/api/host", times=9)
    with pytest.raises(NoAnswer):
        gocron.hosts()
    assert fake.counts["GET /api/host"] == 3


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.LOST_ANSWER, Fault.HTTP_500])
def test_a_run_is_never_repeated(gocron: GoCronClient, fake: FakeGoCron, fault: Fault) -> None:
    task_id = gocron.create_task(job())
    fake.fail(fault, "/api/task/run")
    with pytest.raises(NoAnswer) as caught:
        gocron.run_task(task_id)
    assert caught.value.sent
    assert fake.counts[RUN] == 1
    if fault is Fault.LOST_ANSWER:
        eventually(lambda: gocron.newest_log_id(task_id) == 1)


def test_a_run_meets_an_ended_login_and_starts_once(gocron: GoCronClient, fake: FakeGoCron) -> None:
    task_id = gocron.create_task(job())
    fake.expire_tokens()
    gocron.run_task(task_id)
    eventually(lambda: len(gocron.logs(task_id=task_id)) == 1)
    assert fake.counts[LOGIN] == 2


def test_a_create_whose_answer_was_lost_is_not_repeated(gocron: GoCronClient, fake: FakeGoCron) -> None:
    fake.fail(Fault.LOST_ANSWER, "/api/task/store")
    assert gocron.create_task(job()) == 1
    assert fake.fired[Fault.LOST_ANSWER] == 1
    assert fake.counts[STORE] == 1


def test_a_create_without_an_effect_is_repeated_once(gocron: GoCronClient, fake: FakeGoCron) -> None:
    fake.fail(Fault.CUT, "/api/task/store")
    assert gocron.create_task(job()) == 1
    fake.fail(Fault.CUT, "/api/task/store", times=2)
    with pytest.raises(NoAnswer):
        gocron.create_task(job(2))
    assert fake.counts[STORE] == 4


def test_a_create_that_cannot_be_looked_up_may_have_taken_effect(gocron: GoCronClient, fake: FakeGoCron) -> None:
    gocron.login()
    fake.fail(Fault.LOST_ANSWER, "/api/task", times=9)
    with pytest.raises(NoAnswer) as caught:
        gocron.store_task(job())
    assert caught.value.sent
    assert (fake.counts[STORE], len(fake.core.tasks)) == (1, 1)


def test_after_a_lost_create_another_task_of_that_name_is_not_taken_for_it(
    gocron: GoCronClient, fake: FakeGoCron
) -> None:
    gocron.store_task(job(command="echo other"))
    fake.fail(Fault.LOST_ANSWER, "/api/task/store")
    with pytest.raises(EngineRefused):
        gocron.store_task(job())


def test_an_update_or_a_delete_without_an_answer_is_not_repeated(gocron: GoCronClient, fake: FakeGoCron) -> None:
    task_id = gocron.create_task(job())
    fake.fail(Fault.CUT, "/api/task/")
    with pytest.raises(NoAnswer):
        gocron.update_task(task_id, job())
    fake.fail(Fault.CUT, "/api/task/")
    with pytest.raises(NoAnswer):
        gocron.delete_task(task_id)
    assert (fake.counts[STORE], fake.counts["POST /api/task/remove/:id"]) == (2, 1)


def test_the_rows_of_other_runs_are_listed_with_their_own_ids(gocron: GoCronClient, fake: FakeGoCron) -> None:
    task_id = gocron.create_task(job())
    before = gocron.newest_log_id(task_id)
    foreign = fake.add_foreign_row(task_id, "主机: [x-y:1]\n\nnot yours\n\n\n")
    gocron.run_task(task_id)
    eventually(lambda: gocron.newest_log_id(task_id) > foreign)
    assert [row.id for row in gocron.logs(task_id=task_id, after_id=before)] == [2, 1]


def test_a_page_with_a_state_nobody_knows_is_an_error(gocron: GoCronClient, fake: FakeGoCron) -> None:
    task_id = gocron.create_task(job())
    fake.core.rows[fake.add_foreign_row(task_id, "")].status = 9
    with pytest.raises(EngineUnreachable, match="read the log"):
        gocron.logs()
