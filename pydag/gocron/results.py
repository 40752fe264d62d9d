"""How a run ended, read from the text of its log row as either gocron writes it.

Pure: no request is made here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pydag.gocron.forms import Protocol
from pydag.gocron.records import LogStatus


class EndReason(Enum):
    """Why a row did not succeed."""

    EXIT_STATUS = "the command ended with an exit status other than 0"
    SIGNAL = "a signal ended the command"
    TIMEOUT = "the command reached its timeout and was killed"
    STOPPED = "the command was stopped"
    UNREACHABLE = "the node could not be reached, or was lost while the command ran on it"
    NOT_TEXT = "the command ended, but its output is not UTF-8, and gocron kept neither output nor status"
    TOO_LARGE = "the command ended, but its output is over 4 MiB, and gocron kept neither output nor status"
    NO_HOST_LINE = "gocron says that it finished, but no node confirms this"
    OVERLAP = "the previous run of this task was still running"
    ORPHANED = "it was stopped while gocron knew no command of it; a command may still run"
    HTTP = "the HTTP request had no answer, or one other than 200"
    OTHER = "gocron reports an error"


END_UNKNOWN = frozenset({EndReason.NOT_TEXT, EndReason.TOO_LARGE, EndReason.NO_HOST_LINE, EndReason.ORPHANED})
"""Reasons after which gocron's answers do not show whether the command did its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnd:
    """The part of one node: its name from the host line, its error and its output."""

    host: str
    error: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEnd:
    """How a row ended. `reason` is None for a success and for a row that still runs.

    `host` is the content of the host line (of several, with commas), or None without one.
    `detail` is gocron's own message for the failure.
    """

    host: str | None
    output: str
    reason: EndReason | None
    exit_status: int | None = None
    detail: str = ""
    parts: tuple[NodeEnd, ...] = ()


_EXIT = re.compile(r"exit status (\d+)")


_REASONS = (
    (re.compile(r"signal: "), EndReason.SIGNAL),
    (re.compile(r"timeout killed$|执行超时, 强制结束$"), EndReason.TIMEOUT),
    (re.compile(r"手动停止$"), EndReason.STOPPED),
    (re.compile(r"无法连接远程服务器$"), EndReason.UNREACHABLE),
    (re.compile(r"rpc error: .*invalid UTF-8"), EndReason.NOT_TEXT),
    (re.compile(r"rpc error: .*message larger than max"), EndReason.TOO_LARGE),
    (re.compile(r"rpc error: "), EndReason.OTHER),
)


def parse_result(
    text: str,
    *,
    status: LogStatus,
    protocol: Protocol = Protocol.SHELL,
    hosts: Sequence[str] = (),
) -> RowEnd:
    """Read how a row ended from its text, as either gocron writes it.

    `hosts` are those of the row (`alias-name`); without them one node is expected. A finished row without the line
    of one of its nodes is not a success: its reason is NO_HOST_LINE.
    """
    if status is LogStatus.RUNNING:
        return RowEnd(host=None, output="", reason=None)
    if status is LogStatus.CANCELLED:
        reason = EndReason.ORPHANED if text else EndReason.OVERLAP
        return RowEnd(host=None, output="", reason=reason, detail=text)
    if protocol is Protocol.HTTP:
        failed = EndReason.HTTP if status is LogStatus.FAILED else None
        return RowEnd(host=None, output=text, reason=failed)
    parts = _split(text, status=status, hosts=hosts)
    if not parts:
        reason = EndReason.OTHER if status is LogStatus.FAILED else EndReason.NO_HOST_LINE
        return RowEnd(host=None, output=text, reason=reason, detail=text.strip())
    return _end_of(parts, status=status, missing=len(parts) < len(hosts))


def _split(text: str, *, status: LogStatus, hosts: Sequence[str]) -> tuple[NodeEnd, ...]:
    starts = _starts(text, hosts)
    ends = [m.start() for m in starts[1:]] + [len(text)]
    original = text.endswith("\n\n")
    alone = len(starts) == 1
    parts = []
    for start, end in zip(starts, ends, strict=False):
        body = text[start.end() : end]
        error, output = _original_body(body) if original else _fork_body(body, status, alone)
        parts.append(NodeEnd(host=start[1], error=error, output=output))
    return tuple(parts)


def _starts(text: str, hosts: Sequence[str]) -> list[re.Match[str]]:
    """The host lines. Only with several nodes can there be one after the beginning."""
    if len(hosts) < 2:
        first = re.match(r"主机: \[([^\n]*?:\d+)\]\n", text)
        return [first] if first else []
    known = "|".join(map(re.escape, hosts))
    starts = list(re.finditer(rf"主机: \[((?:{known}):\d+)\]\n", text))
    return starts if starts and starts[0].start() == 0 else []


def _original_body(body: str) -> tuple[str, str]:
    error, _, output = body.partition("\n")
    return error, output.removesuffix("\n\n")


def _fork_body(body: str, status: LogStatus, alone: bool) -> tuple[str, str]:
    error, _, output = body.partition("\n")
    if status is LogStatus.FAILED and (alone or _reason_of(error) is not EndReason.OTHER):
        return error, output
    return "", body


def _reason_of(error: str) -> EndReason:
    if _EXIT.fullmatch(error):
        return EndReason.EXIT_STATUS
    for pattern, reason in _REASONS:
        if pattern.match(error):
            return reason
    return EndReason.OTHER


def _end_of(parts: tuple[NodeEnd, ...], *, status: LogStatus, missing: bool) -> RowEnd:
    errors = [part.error for part in parts if part.error]
    reason = None
    if errors:
        reason = _reason_of(errors[0])
    elif status is LogStatus.FAILED:
        reason = EndReason.OTHER
    elif missing:
        reason = EndReason.NO_HOST_LINE
    exit_status = _EXIT.fullmatch(errors[0]) if errors else None
    outputs = [part.output for part in parts]
    joined = "".join(o if o.endswith("\n") or not o else o + "\n" for o in outputs[:-1])
    return RowEnd(
        host=", ".join(part.host for part in parts),
        output=joined + outputs[-1],
        reason=reason,
        exit_status=int(exit_status[1]) if exit_status else None,
        detail=errors[0] if errors else "",
        parts=parts,
    )
