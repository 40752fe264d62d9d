"""Records of the model as the JSON and the fields that the history on Redis has of them, and back.

What a record does not say is left out. Unknown names are ignored, so that a newer pydag may add some. Whatever else
is not as it was written is a `StoreFormatError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from pydag.errors import StoreFormatError
from pydag.model.run import Attempt, JobEntry, Origin, Output, Run, Usage
from pydag.stores.base import from_microseconds, reason_from, state_from, to_microseconds

Kind = TypeVar("Kind")

RUN_FIELDS = (b"id", b"run", b"state", b"ended", b"owner", b"heard", b"fence")


def run_document(run: Run) -> bytes:
    """What is known of a run when it begins."""
    return _json(
        {
            "job": run.job,
            "engine": run.engine,
            "started": to_microseconds(run.started),
            "owner": run.owner,
            "scheduled_for": _stored_time(run.scheduled_for),
            "detail": run.start_failure or None,
            "params": run.params or None,
            "origin": run.origin if any(run.origin) else None,
            "heard": _stored_time(run.heard),
        }
    )


def run_from(fields: Sequence[bytes | None]) -> Run:
    """The run that has these `RUN_FIELDS`."""
    run_id, document, state, ended, owner, heard, fence = (each or b"" for each in fields)
    with _reading(document) as values:
        return Run(
            id=run_id.decode(),
            job=_required(values, "job", str),
            engine=_required(values, "engine", str),
            state=state_from(state.decode(errors="replace")),
            started=from_microseconds(_required(values, "started", int)),
            ended=from_microseconds(int(ended)) if ended else None,
            owner=owner.decode() or _required(values, "owner", str),
            scheduled_for=_time(_optional(values, "scheduled_for", int)),
            start_failure=_optional(values, "detail", str) or "",
            params=tuple((str(name), str(value)) for name, value in _optional(values, "params", list) or ()),
            origin=Origin(*map(str, _optional(values, "origin", list) or ())),
            heard=from_microseconds(int(heard)) if heard else _time(_optional(values, "heard", int)),
            fence=int(fence or 0),
        )


def job_entry_document(saved: datetime, tasks: int, spec: str) -> bytes:
    """A job's entry in the list of jobs; `spec` names its definition."""
    return _json({"saved": to_microseconds(saved), "tasks": tasks, "spec": spec})


def job_entry_from(name: bytes, document: bytes, last_run: Run | None) -> JobEntry:
    """The job of that entry."""
    with _reading(document) as values:
        return JobEntry(
            name=name.decode(),
            saved=from_microseconds(_required(values, "saved", int)),
            tasks=_required(values, "tasks", int),
            last_run=last_run,
        )


def attempt_field(change: Attempt | Output) -> str:
    """The field of a run's hash that holds this attempt, or the attempt of this output."""
    return f"{change.task}.{change.number}"


def attempt_document(attempt: Attempt) -> bytes:
    """What the attempt's field holds."""
    return _json(
        {
            "state": attempt.state.value,
            "started": _stored_time(attempt.started),
            "ended": _stored_time(attempt.ended),
            "exit_status": attempt.exit_status,
            "signal": attempt.signal,
            "reason": None if attempt.reason is None else attempt.reason.value,
            "detail": attempt.detail or None,
            "output_dropped": attempt.output_dropped or None,
            "host": attempt.host or None,
            "usage": None if attempt.usage is None else attempt.usage._asdict(),
        }
    )


def attempt_from(field: bytes, document: bytes) -> Attempt:
    """The attempt in that field."""
    with _reading(document) as values:
        task, number = field.split(b".")
        reason = _optional(values, "reason", str)
        return Attempt(
            task=int(task),
            number=int(number),
            state=state_from(_required(values, "state", str)),
            started=_time(_optional(values, "started", int)),
            ended=_time(_optional(values, "ended", int)),
            exit_status=_optional(values, "exit_status", int),
            signal=_optional(values, "signal", int),
            reason=None if reason is None else reason_from(reason),
            detail=_optional(values, "detail", str) or "",
            output_dropped=_optional(values, "output_dropped", int) or 0,
            host=_optional(values, "host", str) or "",
            usage=_usage(_optional(values, "usage", dict)),
        )


def _usage(values: dict[str, Any] | None) -> Usage | None:
    if values is None:
        return None
    return Usage(
        user=_required(values, "user", float),
        system=_required(values, "system", float),
        peak_memory=_optional(values, "peak_memory", int),
    )


def _json(values: Mapping[str, object]) -> bytes:
    said = {name: value for name, value in values.items() if value is not None}
    return json.dumps(said, separators=(",", ":")).encode()


@contextmanager
def _reading(document: bytes) -> Iterator[dict[str, Any]]:
    """The values of a document. Whatever reading them raises means that the document is damaged."""
    try:
        values = json.loads(document)
        if not isinstance(values, dict):
            raise TypeError(type(values).__name__)
        yield values
    except (ValueError, KeyError, TypeError, OverflowError):
        raise StoreFormatError(
            f"the history on the Redis server has a record that cannot be read: {document[:60]!r}; "
            "it is damaged, or another program wrote it: set PYDAG_LOG_PREFIX to another prefix"
        ) from None


def _required(values: Mapping[str, Any], name: str, kind: type[Kind]) -> Kind:
    value = values[name]
    if not isinstance(value, kind):
        raise TypeError(name)
    return value


def _optional(values: Mapping[str, Any], name: str, kind: type[Kind]) -> Kind | None:
    return None if values.get(name) is None else _required(values, name, kind)


def _stored_time(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time)


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else from_microseconds(stored)
