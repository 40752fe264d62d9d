"""Records of the model as rows of the embedded history, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pydag.errors import StoreFormatError
from pydag.model.run import Attempt, Origin, Output, Run, Usage
from pydag.stores.base import from_microseconds, reason_from, state_from, to_microseconds

Row = tuple[Any, ...]

RUN_COLUMNS = (
    "run.id, job.name, run.engine, run.state, run.started, run.ended, run.owner, run.scheduled_for, run.detail, "
    "run.facts, run.heard, run.fence"
)
ATTEMPT_COLUMNS = (
    "task, number, state, started, ended, exit_status, signal, reason, detail, output_dropped, host, "
    "user, system, peak_memory"
)


def run_from(row: Sequence[Any]) -> Run:
    """The run of a row of `RUN_COLUMNS`."""
    run_id, job, engine, state, started, ended, owner, scheduled_for, start_failure, facts, heard, fence = row
    return Run(
        id=run_id,
        job=job,
        engine=engine,
        state=state_from(state),
        started=from_microseconds(started),
        ended=_time(ended),
        owner=owner,
        scheduled_for=_time(scheduled_for),
        start_failure=start_failure,
        **_facts_from(facts),
        heard=_time(heard),
        fence=fence,
    )


def _facts_from(facts: str) -> dict[str, Any]:
    """The fields of a run that its facts hold."""
    try:
        values = json.loads(facts)
        params = tuple((str(name), str(value)) for name, value in values.get("params", ()))
        return {"params": params, "origin": Origin(*map(str, values.get("origin", ())))}
    except (ValueError, TypeError, AttributeError):
        raise StoreFormatError(
            f"the history has a run with facts that cannot be read: {facts[:60]!r}; it is damaged: "
            "choose another history with PYDAG_HOME"
        ) from None


def run_row(run: Run) -> Row:
    """A run in the order of `RUN_COLUMNS`, without its job."""
    return (
        run.id,
        run.engine,
        run.state.value,
        to_microseconds(run.started),
        _stored_time(run.ended),
        run.owner,
        _stored_time(run.scheduled_for),
        with_utf8(run.start_failure),
        _facts(run),
        _stored_time(run.heard),
        run.fence,
    )


def _facts(run: Run) -> str:
    """What only some runs have, in ASCII: a path may hold half a surrogate pair."""
    facts: dict[str, object] = {}
    if run.params:
        facts["params"] = run.params
    if any(run.origin):
        facts["origin"] = run.origin
    return json.dumps(facts, separators=(",", ":"))


def attempt_from(row: Row) -> Attempt:
    """The attempt of a row of `ATTEMPT_COLUMNS`."""
    task, number, state, started, ended, exit_status, signal, reason, detail, output_dropped, host, *usage = row
    return Attempt(
        task=task,
        number=number,
        state=state_from(state),
        started=_time(started),
        ended=_time(ended),
        exit_status=exit_status,
        signal=signal,
        reason=None if reason is None else reason_from(reason),
        detail=detail,
        output_dropped=output_dropped,
        host=host,
        usage=None if usage[0] is None else Usage(*usage),
    )


def attempt_row(attempt: Attempt) -> Row:
    """An attempt in the order of `ATTEMPT_COLUMNS`."""
    return (
        attempt.task,
        attempt.number,
        attempt.state.value,
        _stored_time(attempt.started),
        _stored_time(attempt.ended),
        attempt.exit_status,
        attempt.signal,
        None if attempt.reason is None else attempt.reason.value,
        with_utf8(attempt.detail),
        attempt.output_dropped,
        attempt.host,
        *(attempt.usage or (None, None, None)),
    )


def output_rows(outputs: Iterable[Output], piece_size: int) -> Iterator[Row]:
    """Task, number and data, cut into pieces; no output gives no row."""
    for output in outputs:
        data = memoryview(output.data)
        for start in range(0, len(data), piece_size):
            yield output.task, output.number, data[start : start + piece_size]


def with_utf8(text: str) -> str:
    """Half a surrogate pair, which a file's name in an error message may contain, has no UTF-8: show its number."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def name_to_find(name: str) -> str | bytes:
    """A name that has no UTF-8 is not the name of any job: as bytes it is equal to no text."""
    return name if name == with_utf8(name) else name.encode(errors="surrogatepass")


def _stored_time(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time)


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else from_microseconds(stored)
