"""One run of the history on Redis, as its tracker writes it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydag.model.run import Attempt, Output
from pydag.model.states import State
from pydag.stores.base import RunHandle, no_run, taken_over, to_microseconds
from pydag.stores.redis import scripts
from pydag.stores.redis.connection import Server
from pydag.stores.redis.documents import attempt_document, attempt_field


class RedisRunHandle(RunHandle):
    """Knows how long each output is, so that a write need not ask for it first.

    `run` is the number of the run, its id and its fence. `writer` is unique: with it the server recognizes a write that
    is sent again.
    """

    def __init__(
        self, server: Server, prefix: bytes, run: tuple[bytes, str, int], *, writer: str, piece_size: int
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._number, self._run_id, self._fence = run
        self._writer = writer
        self._piece_size = piece_size
        self._writes = 0
        self._lengths: dict[str, int] = {}

    def write(
        self, attempts: Sequence[Attempt] = (), outputs: Sequence[Output] = (), *, heard: datetime | None = None
    ) -> None:
        """Write in one step, which first makes sure that every output ends where this one begins."""
        fields: dict[str, bytes] = {attempt_field(each): attempt_document(each) for each in attempts}
        added: dict[str, bytearray] = {}
        for output in outputs:
            added.setdefault(attempt_field(output), bytearray()).extend(output.data)
        self._writes += 1
        said = "" if heard is None else to_microseconds(heard)
        written = [each for pair in fields.items() for each in pair]
        answer = b"moved"
        while answer == b"moved":
            changes = [each for field, data in added.items() for each in self._added(field, data)]
            answer = self._call(scripts.WRITE, self._writer, self._writes, said, len(fields), *written, *changes)
            for field, data in added.items():
                if answer == b"moved":
                    self._lengths[field] = self._end_of_output(field)[0]
                else:
                    self._lengths[field] = self._lengths.get(field, 0) + len(data)
        for attempt in attempts:
            if attempt.state.final:
                self._lengths.pop(attempt_field(attempt), None)

    def finish(self, state: State, ended: datetime) -> None:
        self._call(scripts.FINISH, state.value, to_microseconds(ended))

    def _call(self, script: str, *values: bytes | str | int) -> Any:
        answer = self._server.run(script, self._prefix, self._number, self._fence, *values)
        if answer == b"no run":
            raise no_run(self._run_id)
        if answer == b"taken over":
            raise taken_over(self._run_id)
        return answer

    def _end_of_output(self, field: str) -> tuple[int, bytes]:
        length, tail = self._call(scripts.END_OF_OUTPUT, field)
        return int(length), tail

    def _added(self, field: str, data: bytearray) -> list[bytes | str | int]:
        """The script's arguments for one output: a few bytes to append to its tail, or full pieces and a new tail."""
        size = self._piece_size
        length = self._lengths.get(field, 0)
        if length % size + len(data) < size:
            return [field, length, len(data), "APPEND", bytes(data), 0, 0]
        length, tail = self._end_of_output(field) if length % size else (length, b"")
        self._lengths[field] = length
        whole = tail + data
        full = len(whole) // size
        pieces = [zlib.compress(whole[each * size : (each + 1) * size], 1) for each in range(full)]
        return [field, length, len(data), "SET", whole[full * size :], length // size, full, *pieces]
