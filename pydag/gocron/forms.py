"""The form from which gocron makes a task, and the limits that a form must keep.

gocron refuses a form beyond its limits with one vague message, so they are checked here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pydag.errors import EngineRefused

NAME_LIMIT = 32
TAG_LIMIT = 32
COMMAND_LIMIT = 256
TIMEOUT_LIMIT = 86_400
HTTP_TIMEOUT_LIMIT = 300
REMARK_LIMIT = 100
NODE_ID_LIMIT = 32_767


class Protocol(Enum):
    """Who executes a task: gocron itself requests a URL, or a node runs a command."""

    HTTP = 1
    SHELL = 2


class HttpMethod(Enum):
    """How an HTTP task sends its request; POST sends the URL's query as a form."""

    GET = 1
    POST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskForm:
    """What a task is made from. gocron never retries such a task and notifies nobody.

    `schedule` is an expression of six fields, or empty for a task that no schedule starts; a task that has one is a
    "main task". `timeout` is in seconds, 0 means gocron's default (a day; 300 s for HTTP). `single` lets one instance
    run at a time on the original; the fork cannot do this, and is not asked to. `node_ids` is for commands; a task
    with several nodes runs on each of them.
    """

    name: str
    command: str
    tag: str = ""
    node_ids: tuple[int, ...] = ()
    protocol: Protocol = Protocol.SHELL
    http_method: HttpMethod = HttpMethod.GET
    timeout: int = 0
    single: bool = False
    remark: str = ""
    schedule: str = ""


def seconds_allowed(form: TaskForm) -> int:
    """The seconds after which gocron kills the task: its timeout, or gocron's default."""
    return form.timeout or (HTTP_TIMEOUT_LIMIT if form.protocol is Protocol.HTTP else TIMEOUT_LIMIT)


def check_form(form: TaskForm) -> None:
    """Raise `EngineRefused` where gocron is known to refuse the form, or to store something else."""
    task = f"task {form.name!r}"
    _check_text("the name of", task, form.name, NAME_LIMIT, "choose a shorter one")
    _check_text("the tag of", task, form.tag, TAG_LIMIT, "choose a shorter one")
    _check_text("the remark of", task, form.remark, REMARK_LIMIT, "shorten it")
    way_out = "put it in a script file on the node and run that"
    _check_text("the command of", task, form.command, COMMAND_LIMIT, way_out)
    if not form.name or not form.command.strip():
        raise EngineRefused(f"{task} needs a name and a command")
    http = form.protocol is Protocol.HTTP
    limit = HTTP_TIMEOUT_LIMIT if http else TIMEOUT_LIMIT
    if not 0 <= form.timeout <= limit:
        raise EngineRefused(f"the timeout of {task} is {form.timeout} s: gocron takes 0 to {limit}")
    if http and not form.command.strip().lower().startswith(("http://", "https://")):
        raise EngineRefused(f"the URL of {task} is {form.command!r}: start it with http(s)://")
    if not http:
        _check_nodes(task, form.node_ids)


def _check_text(what: str, task: str, text: str, limit: int, way_out: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise EngineRefused(f"{what} {task} is not valid text: write it in UTF-8") from None
    if len(text) > limit:
        raise EngineRefused(f"{what} {task} has {len(text)} characters, gocron takes {limit}: {way_out}")


def _check_nodes(task: str, node_ids: Sequence[int]) -> None:
    if not node_ids:
        raise EngineRefused(f"{task} names no node: give it a node_id")
    for node_id in node_ids:
        if not 0 < node_id <= NODE_ID_LIMIT:
            raise EngineRefused(f"{task} names node {node_id}: gocron cannot have a node with that id")


def form_fields(form: TaskForm) -> dict[str, str | int]:
    """The fields that gocron's web page would send; level 1 is a main task, level 2 has no schedule."""
    return {
        "name": form.name,
        "command": form.command,
        "tag": form.tag,
        "level": 1 if form.schedule else 2,
        "spec": form.schedule,
        "dependency_status": 1,
        "protocol": form.protocol.value,
        "http_method": form.http_method.value,
        "host_id": ",".join(map(str, form.node_ids)),
        "timeout": form.timeout,
        "multi": 2 if form.single else 1,
        "notify_status": 1,
        "notify_type": 2,
        "retry_times": 0,
        "retry_interval": 0,
        "remark": form.remark,
    }
