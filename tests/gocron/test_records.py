"""Reading the text of a log row, and the forms that gocron is known to refuse. No server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.errors import EngineRefused
from pydag.gocron.forms import Protocol, TaskForm, check_form, form_fields
from pydag.gocron.records import Dialect, LogStatus, read_row
from pydag.gocron.results import END_UNKNOWN, EndReason, parse_result

HOST = "n-127.0.0.1:5921"
ERRORS = {
    "exit status 3": EndReason.EXIT_STATUS,
    "signal: killed": EndReason.SIGNAL,
    "signal: segmentation fault (core dumped)": EndReason.SIGNAL,
    "timeout killed": EndReason.TIMEOUT,
    "执行超时, 强制结束": EndReason.TIMEOUT,
    "手动停止": EndReason.STOPPED,
    "无法连接远程服务器": EndReason.UNREACHABLE,
    "rpc error: code = Internal desc = grpc: error while marshaling: string field contains"
    " invalid UTF-8": EndReason.NOT_TEXT,
    "rpc error: code = ResourceExhausted desc = grpc: received message larger than max"
    " (4194405 vs. 4194304)": EndReason.TOO_LARGE,
    "rpc error: code = Unknown desc = something else": EndReason.OTHER,
    "fork/exec /bin/bash: no such file or directory": EndReason.OTHER,
}


def framed(dialect: Dialect, *parts: tuple[str, str, str]) -> str:
    if dialect is Dialect.ORIGINAL:
        return "".join(f"主机: [{host}]\n{error}\n{output}\n\n" for host, error, output in parts)
    return "".join(
        f"主机: [{host}]\n" + (error + "\n" if error else "") + output.strip() for host, error, output in parts
    )


dialects = pytest.mark.parametrize("dialect", list(Dialect))


@dialects
@given(output=st.text())
def test_the_output_of_a_success_comes_out_as_gocron_kept_it(dialect: Dialect, output: str) -> None:
    end = parse_result(framed(dialect, (HOST, "", output)), status=LogStatus.FINISHED)
    kept = output if dialect is Dialect.ORIGINAL else output.strip()
    assert (end.host, end.output, end.reason) == (HOST, kept, None)


@dialects
@pytest.mark.parametrize(("error", "reason"), ERRORS.items())
@given(output=st.text())
def test_the_error_of_a_failure_is_separated_from_its_output(
    dialect: Dialect, error: str, reason: EndReason, output: str
) -> None:
    end = parse_result(framed(dialect, (HOST, error, output)), status=LogStatus.FAILED)
    kept = output if dialect is Dialect.ORIGINAL else output.strip()
    assert (end.host, end.output, end.reason, end.detail) == (HOST, kept, reason, error)
    assert end.exit_status == (3 if reason is EndReason.EXIT_STATUS else None)


@given(text=st.text())
def test_finished_without_a_host_line_is_never_a_success(text: str) -> None:
    end = parse_result(text, status=LogStatus.FINISHED)
    assert end.host is not None or end.reason is EndReason.NO_HOST_LINE


@given(
    text=st.text(),
    status=st.sampled_from(LogStatus),
    protocol=st.sampled_from(Protocol),
    hosts=st.lists(st.text()),
)
def test_any_text_is_read_without_an_error(text: str, status: LogStatus, protocol: Protocol, hosts: list[str]) -> None:
    end = parse_result(text, status=status, protocol=protocol, hosts=hosts)
    assert end.reason is None or status is not LogStatus.RUNNING


def test_a_host_line_printed_by_the_command_is_output() -> None:
    text = framed(Dialect.FORK, (HOST, "", f"主机: [{HOST}]\nfaked"))
    assert parse_result(text, status=LogStatus.FINISHED).output == f"主机: [{HOST}]\nfaked"


@dialects
def test_a_finished_row_without_the_line_of_one_node_is_not_a_success(dialect: Dialect) -> None:
    text = framed(dialect, ("a-one:1", "", "hi\n"))
    hosts = ("a-one", "b-two")
    end = parse_result(text, status=LogStatus.FINISHED, hosts=hosts)
    assert end.reason is EndReason.NO_HOST_LINE


@dialects
def test_the_parts_of_several_nodes_are_separated(dialect: Dialect) -> None:
    text = framed(dialect, ("b-two:2", "", "主机: [c-no:1]\n"), ("a-one:1", "exit status 4", "x"))
    hosts = ("a-one", "b-two")
    end = parse_result(text, status=LogStatus.FAILED, hosts=hosts)
    assert [part.host for part in end.parts] == ["b-two:2", "a-one:1"]
    assert [part.error for part in end.parts] == ["", "exit status 4"]
    assert (end.reason, end.exit_status) == (EndReason.EXIT_STATUS, 4)
    assert end.host == "b-two:2, a-one:1"


def test_a_cancelled_row_is_an_overlap_without_text_and_an_orphan_with_one() -> None:
    overlap = parse_result("", status=LogStatus.CANCELLED)
    orphan = parse_result("系统重启后手动停止", status=LogStatus.CANCELLED)
    assert (overlap.reason, orphan.reason) == (EndReason.OVERLAP, EndReason.ORPHANED)
    assert orphan.reason in END_UNKNOWN
    assert overlap.reason not in END_UNKNOWN


def test_a_failed_row_without_text_is_a_failure() -> None:
    end = parse_result("", status=LogStatus.FAILED)
    assert (end.host, end.reason) == (None, EndReason.OTHER)


def test_a_row_that_runs_has_no_end() -> None:
    row = {"id": 7, "task_id": 3, "name": "a", "protocol": 2, "status": 1, "result": "", "spec": "手动运行"}
    row |= {"hostname": "x - y - 127.0.0.1<br>b - localhost<br>"}
    row |= {"start_time": "2026-11-21 02:53:07", "end_time": "2026-11-21 02:53:07"}
    read = read_row(row)
    assert read.ended is None
    assert read.hosts == ("x - y-127.0.0.1", "b-localhost")
    assert read.schedule == "手动运行"


def test_a_time_that_was_never_set_is_none() -> None:
    row = {"id": 7, "task_id": 3, "name": "a", "protocol": 2, "status": 2, "result": "", "spec": "@daily"}
    row |= {"hostname": "", "start_time": "0001-01-01T00:00:00Z"}
    assert read_row(row | {"end_time": "2026-11-21T02:53:07Z"}).started is None


def test_a_status_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="9"):
        read_row({"id": 1, "task_id": 1, "name": "", "protocol": 2, "status": 9, "hostname": ""})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "n" * 33}, ["'nnn", "33 characters", "takes 32"]),
        ({"tag": "t" * 33}, ["tag", "33 characters", "takes 32"]),
        ({"remark": "r" * 101}, ["remark", "101", "100"]),
        ({"command": "c" * 257}, ["257 characters", "256", "script file on the node"]),
        ({"timeout": 86_401}, ["86401 s", "86400"]),
        ({"timeout": -1}, ["-1 s"]),
        ({"name": ""}, ["needs a name"]),
        ({"command": " \n"}, ["needs a name and a command"]),
        ({"node_ids": ()}, ["names no node", "node_id"]),
        ({"node_ids": (65_537,)}, ["node 65537"]),
        ({"command": "echo \udcff"}, ["not valid text"]),
        ({"protocol": Protocol.HTTP, "command": "ftp://x"}, ["'ftp://x'", "http(s)://"]),
        (
            {"protocol": Protocol.HTTP, "command": "http://x", "timeout": 301},
            ["301 s", "300"],
        ),
    ],
)
def test_a_task_gocron_would_refuse_is_refused_with_the_limit_and_the_way_out(
    changes: dict[str, Any], words: list[str]
) -> None:
    values: dict[str, Any] = {"name": "job:a", "command": "true", "node_ids": (1,)}
    with pytest.raises(EngineRefused) as caught:
        check_form(TaskForm(**(values | changes)))
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


def test_a_task_at_every_limit_is_taken() -> None:
    task = TaskForm(name="n" * 32, tag="t" * 32, command="c" * 256, node_ids=(1, 32_767))
    check_form(task)
    check_form(TaskForm(name="名" * 32, command="x", timeout=86_400, node_ids=(1,)))


def test_a_task_with_a_schedule_is_a_main_task() -> None:
    form = form_fields(TaskForm(name="J", command="true", node_ids=(1,), schedule="0 0 * * * *"))
    assert (form["level"], form["spec"]) == (1, "0 0 * * * *")


def test_a_task_has_no_retries_no_notifications_and_no_schedule_of_its_own() -> None:
    form = form_fields(TaskForm(name="job:a", command="true", node_ids=(1, 2), single=True))
    assert (form["level"], form["spec"]) == (2, "")
    assert (form["retry_times"], form["notify_status"]) == (0, 1)
    assert (form["host_id"], form["multi"]) == ("1,2", 2)
