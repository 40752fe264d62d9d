"""What `log --task-name` shows: the output of a task's attempts, for a binary stream.

A program gets the bytes exactly as they were. A terminal gets text, with the colours of the task and nothing else that
controls a terminal.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TextIO

from pydag.errors import count
from pydag.model.run import Attempt, AttemptOutput, TaskRun
from pydag.model.spec import TaskSpec
from pydag.model.states import State
from pydag.view.log import end, heading, separator, task_words
from pydag.view.terminal import RESET, Display, encodable
from pydag.view.text import coloured, overwritten, sanitized
from pydag.view.times import relative
from pydag.view.wording import attempt_usage, task_status, which_attempt
from pydag.view.wrapping import wrapped

_LONG = 64 * 1024
"""Characters of a line that has no end; more are shown in pieces."""


def task_output(
    job: str,
    task: TaskSpec,
    kept: Iterable[AttemptOutput],
    *,
    now: datetime,
    display: Display,
    exact: bool,
    failed: bool = False,
    encoding: str = "utf-8",
) -> Iterator[bytes]:
    """The output of a task's attempts: a header line each, then its bytes as they were, or (not `exact`) as text.

    Where output does not end in a newline, one is added before the next header. `failed` says that only attempts were
    asked for that did not succeed. `encoding` is the stream's.
    """

    def lines(texts: Iterable[str]) -> Iterator[bytes]:
        return ((text + "\n").encode(encoding, "backslashreplace") for text in texts)

    shown = False
    for each in kept:
        if shown:
            yield from lines([separator(display)])
        else:
            title = f"Log For Task `{sanitized(task.name)}`"
            yield from lines(heading(title, [each.attempt.started or each.run.started], display))
        yield from lines(_header(task, each.attempt, now, display))
        texts = (text.encode(encoding, "backslashreplace") for text in _shown(each.output, display))
        yield from _ended(each.output if exact else texts, display)
        if each.attempt.output_dropped:
            yield from lines([display.paint(_cut(each.attempt.output_dropped), State.FAILED)])
        shown = True
    yield from lines([end(display) if shown else _nothing(job, task, failed=failed)])


def _ended(output: Iterable[bytes], display: Display) -> Iterator[bytes]:
    """The output, ended so that neither its last line nor a colour that it left on goes on in our next line."""
    last = b"\n"
    for data in output:
        yield data
        last = data[-1:] or last
    reset = RESET.encode() if display.colour else b""
    yield reset if last == b"\n" else reset + b"\n"


def _nothing(job: str, task: TaskSpec, *, failed: bool) -> str:
    of = f"the task `{sanitized(task.name)}` of `{sanitized(job)}`"
    if failed:
        return f"No attempt of {of} has failed."
    return f"T{of[1:]} has not started yet: there is no output."


def _header(task: TaskSpec, attempt: Attempt, now: datetime, display: Display) -> Iterator[str]:
    alone = TaskRun(name=task.name, state=attempt.state, reason=attempt.reason, attempts=(attempt,))
    words = task_status(task, alone, now)
    numbered = which_attempt(task, attempt)
    if numbered not in words and task.retries:
        words = f"{words}, {numbered}"
    if attempt.usage:
        words = f"{words}; {attempt_usage(attempt.usage)}"
    ago = f" ({relative(attempt.started, now)})" if attempt.started and attempt.state.final else ""
    text = f"{display.sign(attempt.state)} {task_words(task, attempt.started, words, ago=ago)}"
    yield from wrapped(text, display, state=attempt.state)


class HarmlessText:
    """Makes text of output that comes in pieces, with nothing in it that controls a terminal.

    It keeps colours where `colour` is true. What carriage returns overwrite is left out. A line is given when it ends.
    """

    def __init__(self, *, colour: bool) -> None:
        self._harmless = coloured if colour else sanitized
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._kept = ""

    def text(self, data: bytes) -> str:
        """The text that more output gives."""
        *lines, self._kept = (self._kept + self._decoder.decode(data)).split("\n")
        text = "".join(f"{self._line(line)}\n" for line in lines)
        if len(self._kept) > _LONG:
            text += self._line(self._kept)
            self._kept = ""
        return text

    def end(self) -> str:
        """The last line, where it has no newline."""
        kept, self._kept = self._kept + self._decoder.decode(b"", final=True), ""
        return self._line(kept)

    def _line(self, line: str) -> str:
        return self._harmless(overwritten(line))


class HarmlessSink:
    """Writes output that comes in pieces to a terminal, as `HarmlessText`."""

    def __init__(self, stream: TextIO, display: Display) -> None:
        self._stream = stream
        self._text = HarmlessText(colour=display.colour)
        self._reset = RESET if display.colour else ""

    def write(self, data: bytes) -> None:
        self._stream.write(encodable(self._text.text(data), self._stream))

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Nothing follows: write the last line, and leave the terminal without colours."""
        self._stream.write(encodable(self._text.end(), self._stream) + self._reset)
        self._stream.flush()


def _shown(output: Iterable[bytes], display: Display) -> Iterator[str]:
    text = HarmlessText(colour=display.colour)
    for data in output:
        yield text.text(data)
    yield text.end()


def _cut(dropped: int) -> str:
    return f"[cut here: {count(dropped, 'more byte')} not kept: over PYDAG_OUTPUT_LIMIT, or pruned]"
