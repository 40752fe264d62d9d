"""The numbered facts of docs/gocron.md, on both dialects of the stand-in and on real servers.

Facts that no real server shows on demand are held by the stand-in's own tests, which cite them too.
"""

import base64
import json
import re
import secrets
from pathlib import Path
from typing import Any

import pytest
import requests

from pydag.gocron.records import LogStatus
from pydag.gocron.results import EndReason
from tests.support.gocron_targets import Lab, end_of, listed
from tests.support.processes import alive, pid_in
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


# Fact 1.


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "n" * 33},
        {"name": "名" * 33},
        {"command": "c" * 257},
        {"timeout": 86_401},
        {"timeout": -1},
        {"name": ""},
        {"command": ""},
    ],
)
def test_gocron_refuses_a_form_beyond_its_limits_and_does_not_name_the_limit(lab: Lab, changes: dict[str, Any]) -> None:
    answer = lab.raw_store(**changes)
    assert (answer["code"], answer["message"]) == (1, "表单验证失败, 请检测输入")


def test_limits_count_characters_not_bytes(lab: Lab) -> None:
    name = lab.prefix + "名" * 24
    command = "echo " + "名" * 251
    tag = lab.prefix + "名" * 24
    answer = lab.raw_store(name=name, command=command, tag=tag, timeout=86_400)
    assert answer["code"] == 0
    assert lab.client.tasks(name=name, tag=tag)[0].form.command == command


def test_only_the_fork_accepts_a_tag_of_33_characters(lab: Lab) -> None:
    assert lab.raw_store(tag=lab.prefix + "t" * 25)["code"] == int(lab.original)


# Fact 2.


def test_the_name_filter_finds_substrings_and_wildcards_and_the_newest_comes_first(lab: Lab) -> None:
    for suffix in ("a_b", "axb", "a%b", "AxB2"):
        assert lab.raw_store(name=lab.prefix + suffix)["code"] == 0
    matched = [task["name"].removeprefix(lab.prefix) for task in listed(lab, name="a_b")]
    assert matched == ["AxB2", "a%b", "axb", "a_b"]
    matched = [task["name"].removeprefix(lab.prefix) for task in listed(lab, name="A%b")]
    assert matched == ["AxB2", "a%b", "axb", "a_b"]


def test_the_tag_filter_compares_whole_tags_on_the_original_and_substrings_on_the_fork(
    lab: Lab,
) -> None:
    tag = lab.prefix
    for suffix in ("j_b", "J_B", "j_bs", "jxb"):
        assert lab.raw_store(tag=tag + suffix)["code"] == 0
    tags = [task["tag"].removeprefix(tag) for task in listed(lab, tag=tag + "j_b")]
    assert tags == (["J_B", "j_b"] if lab.original else ["jxb", "j_bs", "J_B", "j_b"])


# Fact 3.


def test_lists_come_in_pages_of_20_unless_the_request_names_a_size(lab: Lab) -> None:
    for _ in range(21):
        assert lab.raw_store()["code"] == 0
    assert len(listed(lab, tag=lab.prefix)) == 20
    assert len(listed(lab, tag=lab.prefix, page=2)) == 1
    assert listed(lab, tag=lab.prefix, page=3) == []
    assert len(listed(lab, tag=lab.prefix, page_size=5000)) == 21


# Fact 4.


def test_a_start_is_a_get_request_and_its_row_has_a_larger_id_than_earlier_ones(lab: Lab) -> None:
    task_id = lab.create()
    first = lab.ended(lab.start(task_id))
    assert lab.raw("GET", f"/api/task/run/{task_id}") == {
        "code": 0,
        "message": "任务已开始运行, 请到任务日志中查看结果",
        "data": None,
    }
    eventually(lambda: lab.client.newest_log_id(task_id) > first.id)


# Fact 5.


def test_as_a_filter_a_status_is_one_higher_than_in_a_row(lab: Lab, tmp_path: Path) -> None:
    row = lab.begin(tmp_path)
    task_id = row.task_id
    running = lab.raw("GET", "/api/task/log", task_id=task_id, status=2)["data"]["data"]
    assert [(one["id"], one["status"]) for one in running] == [(row.id, 1)]
    assert lab.raw("GET", "/api/task/log", task_id=task_id, status=1)["data"]["data"] == []
    lab.stop(row)
    failed = lab.raw("GET", "/api/task/log", task_id=task_id, status=1)["data"]["data"]
    assert [(one["id"], one["status"]) for one in failed] == [(row.id, 0)]


# Fact 6.


def test_a_task_may_name_a_node_that_does_not_exist_and_fails_when_it_runs(lab: Lab) -> None:
    end = lab.end_of("echo hi", node_ids=(777,))
    assert (end.host, end.reason) == ("-:0", EndReason.UNREACHABLE)


# Fact 8.


def test_output_over_four_mebibytes_hides_how_the_command_ended(lab: Lab) -> None:
    for command in ("", "; exit 3"):
        end = lab.end_of("head -c 4194400 /dev/zero | tr '\\0' x" + command)
        assert (end.reason, end.output) == (EndReason.TOO_LARGE, "")


def test_output_just_under_four_mebibytes_is_kept(lab: Lab) -> None:
    end = lab.end_of("head -c 4194290 /dev/zero | tr '\\0' x")
    assert (end.reason, len(end.output)) == (None, 4_194_290)


def test_a_timeout_kills_the_whole_process_group(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    end = lab.end_of(f"echo y; sleep 300 & echo $! >{file}; wait", timeout=1)
    assert (end.reason, end.output) == (EndReason.TIMEOUT, "")
    assert end.detail in ("timeout killed", "执行超时, 强制结束")
    eventually(lambda: not alive(pid_in(file)))


def test_a_stop_kills_the_whole_process_group(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    row = lab.start(lab.create(f"sleep 300 & echo $! >{file}; wait"))
    pid = pid_in(file)
    end = lab.stop(row)
    assert (end.reason, end.detail, end.output) == (EndReason.STOPPED, "手动停止", "")
    eventually(lambda: not alive(pid))


# Fact 9.


def test_a_token_that_is_not_valid_is_http_200_with_code_401(lab: Lab) -> None:
    for headers in ({}, {"Auth-Token": "a.b.c"}):
        answer = requests.get(lab.address + "/api/task", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (200, 401)


def test_the_fork_locks_a_user_after_five_failed_logins(lab: Lab) -> None:
    user = "nobody" + secrets.token_hex(4)
    url = lab.address + "/api/user/login"
    form = {"username": user, "password": "wrong"}
    messages = [requests.post(url, data=form).json()["message"] for _ in range(6)]
    assert len(set(messages)) == (1 if lab.original else 6)


def test_a_token_is_valid_for_four_hours(lab: Lab) -> None:
    claims = json.loads(base64.urlsafe_b64decode(lab.token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 4 * 3600


# Fact 10.


def test_the_fork_reads_a_login_from_the_body_only(lab: Lab) -> None:
    url = lab.address + "/api/user/login"
    form = {"username": "nobody" + secrets.token_hex(4), "password": "wrong"}
    answers = [requests.post(url, params=form), requests.post(url, data=form)]
    in_url, in_body = (answer.json()["message"] for answer in answers)
    assert (in_url == in_body) is lab.original


# Fact 11.


def test_the_page_of_nodes_lists_them_all_and_names_are_unique(lab: Lab) -> None:
    hosts = lab.raw("GET", "/api/host", page_size=1000)["data"]["data"]
    assert {"127.0.0.1", "localhost"} <= {host["name"] for host in hosts}
    again = lab.raw("POST", "/api/host/store", name="localhost", alias="again", port=1)
    assert (again["code"], again["message"]) == (1, "主机名已存在")


# Fact 12.


def test_the_fork_translates_its_messages_and_keeps_its_codes(lab: Lab) -> None:
    url = lab.address + "/api/task"
    plain = requests.get(url).json()
    english = requests.get(url, headers={"Accept-Language": "en"}).json()
    assert plain["code"] == english["code"]
    assert (plain["message"] == english["message"]) is lab.original


# Fact 13.


def test_commands_run_under_bash(lab: Lab) -> None:
    assert lab.end_of("[[ ab == a* ]] && echo ${BASH_VERSION:+bash}").output.strip() == "bash"


# Fact 14.


@pytest.mark.parametrize("ending", ["", "; exit 3"])
def test_output_that_is_not_utf8_hides_how_the_command_ended(lab: Lab, tmp_path: Path, ending: str) -> None:
    file = tmp_path / "ended"
    row = lab.start(lab.create(f"printf '\\xff\\xfe'; touch {file}{ending}"))
    eventually(file.exists)
    assert lab.end_of("echo later").reason is None
    if lab.original:
        assert lab.row(row).status is LogStatus.RUNNING
    else:
        end = end_of(lab.ended(row))
        assert (end.reason, end.exit_status) == (EndReason.NOT_TEXT, None)


def test_the_fork_keeps_an_emoji_and_the_original_on_mysql_does_not(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "ended"
    row = lab.start(lab.create(f"printf '\\xf0\\x9f\\x98\\x80'; touch {file}"))
    eventually(file.exists)
    assert lab.end_of("echo later").reason is None
    if lab.original:
        assert lab.row(row).status is LogStatus.RUNNING
    else:
        assert end_of(lab.ended(row)).output == "😀"
    assert lab.raw_store(command="echo 😀")["code"] == int(lab.original)


# Fact 15.


@pytest.mark.parametrize(
    ("command", "original", "fork"),
    [
        ("echo hi", "\nhi\n\n\n", "hi"),
        ("true", "\n\n\n", ""),
        ("printf ' a\\n\\n b'", "\n a\n\n b\n\n", "a\n\n b"),
        ("echo x; exit 3", "exit status 3\nx\n\n\n", "exit status 3\nx"),
        ("exit 3", "exit status 3\n\n\n", "exit status 3\n"),
        ("kill -9 $$", "signal: killed\n\n\n", "signal: killed\n"),
        ("kill $$", "signal: terminated\n\n\n", "signal: terminated\n"),
    ],
)
def test_the_two_frame_a_result_differently(lab: Lab, command: str, original: str, fork: str) -> None:
    node = lab.nodes()[0]
    head = f"主机: [{node.alias}-{node.name}:{node.port}]\n"
    assert lab.run(command).result == head + (original if lab.original else fork)


def test_times_are_full_seconds_and_only_the_original_names_its_zone(lab: Lab) -> None:
    row = lab.run("echo hi")
    assert row.started is not None
    assert row.started.microsecond == 0
    assert (row.started.tzinfo is not None) is lab.original


# Fact 16.


def test_the_fork_drops_single_instance_at_a_create_and_keeps_it_at_an_update(lab: Lab) -> None:
    name = lab.name()
    assert lab.raw_store(name=name, multi=2)["code"] == 0
    task = lab.client.tasks(name=name)[0]
    assert task.form.single is lab.original
    assert lab.raw_store(name=name, multi=2, id=task.id)["code"] == 0
    assert lab.client.tasks(name=name)[0].form.single


def test_a_second_run_of_a_single_instance_is_called_cancelled_and_the_fork_executes_it(
    lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "begun"
    name = lab.name()
    task = {"name": name, "multi": 2, "command": f"echo x >>{file}; exec sleep 300"}
    lab.raw_store(**task)
    task_id = lab.client.tasks(name=name)[0].id
    lab.raw_store(**task, id=task_id)
    first = lab.start(task_id)
    eventually(file.exists)
    second = lab.start(task_id)
    assert (second.status, second.result) == (LogStatus.CANCELLED, "")
    with pytest.raises(ValueError, match="3"):  # fact 5
        lab.pygocron().check_run_status(task_id, second.id)
    assert lab.client.has_ended(second) is lab.original
    if not lab.original:
        eventually(lambda: file.read_text() == "x\nx\n")
        assert lab.stop(second).reason is EndReason.STOPPED
    assert lab.stop(first).reason is EndReason.STOPPED
    assert file.read_text().count("x") == (1 if lab.original else 2)


# Fact 17.


def test_removing_a_missing_task_is_a_success_and_running_one_is_not(lab: Lab) -> None:
    assert lab.raw("POST", "/api/task/remove/99999999")["code"] == 0
    assert lab.raw("GET", "/api/task/run/99999999")["code"] == 1


def test_log_rows_outlive_their_task(lab: Lab) -> None:
    row = lab.run("echo hi")
    lab.client.delete_task(row.task_id)
    assert lab.row(row) == row


# Fact 18.


def test_a_node_out_of_reach_fails_the_row(lab: Lab) -> None:
    node = lab.client.add_host("127.0.0.77", 1, "dead", remark=lab.prefix)
    end = lab.end_of("echo hi", node_ids=(node.id,))
    assert (end.host, end.reason) == ("dead-127.0.0.77:1", EndReason.UNREACHABLE)
    assert end.detail == "无法连接远程服务器"


def test_several_nodes_answer_one_after_the_other_under_their_host_lines(lab: Lab) -> None:
    one, two = lab.nodes()
    end = lab.end_of("echo same", node_ids=(one.id, two.id))
    hosts = {f"{node.alias}-{node.name}:{node.port}" for node in (one, two)}
    assert {part.host for part in end.parts} == hosts
    assert [part.output.strip() for part in end.parts] == ["same", "same"]
    assert end.reason is None


def test_one_failure_of_several_nodes_fails_the_row(lab: Lab) -> None:
    row = lab.run("echo hi", node_ids=(lab.nodes()[0].id, 777))
    assert row.status is LogStatus.FAILED
    end = end_of(row)
    assert end.reason is EndReason.UNREACHABLE
    assert sorted((part.error, part.output.strip()) for part in end.parts) == [
        ("", "hi"),
        ("无法连接远程服务器", ""),
    ]


# Fact 19.


def test_a_row_has_the_start_and_the_end_of_its_own_execution(lab: Lab, tmp_path: Path) -> None:
    go = tmp_path / "go"
    running = lab.start(lab.create(f"until [ -e {go} ]; do sleep 0.05; done"))
    assert (running.started is not None, running.ended) == (True, None)
    go.touch()
    ended = lab.ended(running)
    assert ended.started == running.started
    assert lab.end_of("sleep 1.1").reason is None
    assert lab.row(running) == ended


# Fact 21.


def test_two_that_find_nothing_running_both_start(lab: Lab, tmp_path: Path) -> None:
    go = tmp_path / "go"
    task_id = lab.create(f"until [ -e {go} ]; do sleep 0.05; done")
    checks = [[row for row in lab.client.running() if row.task_id == task_id] for _ in range(2)]
    assert checks == [[], []]
    for _ in checks:
        lab.client.run_task(task_id)
    eventually(lambda: len([row for row in lab.client.running() if row.task_id == task_id]) == 2)
    go.touch()
    eventually(lambda: all(row.status is LogStatus.FINISHED for row in lab.client.logs(task_id=task_id)))


# The document.


def test_each_fact_of_the_document_is_cited_by_a_test() -> None:
    text = (ROOT / "docs" / "gocron.md").read_text().partition("## Facts about gocron")[2]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert numbers == list(range(1, 22))
    tests = "".join(test.read_text() for test in (ROOT / "tests").rglob("gocron/*.py"))
    assert {int(number) for number in re.findall(r"# [Ff]act (\d+)", tests)} == set(numbers)
