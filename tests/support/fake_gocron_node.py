"""What executes for the stand-in for gocron: a node's bash, and the URL of an HTTP task."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from typing import Literal

Dialect = Literal["original", "fork"]

STOPPED = "手动停止"
GRPC_LIMIT = 4 << 20
DAY = 86_400
NOT_UTF8 = "rpc error: code = Internal desc = grpc: error while marshaling: string field contains invalid UTF-8"
TOO_LARGE = "rpc error: code = ResourceExhausted desc = grpc: received message larger than max ({} vs. {})"


class Execution:
    """A command under /bin/bash, in a process group of its own.

    Who kills it first names its end; its end does not wait for what still holds its output.
    """

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self._killed_as = ""
        self._output = b""
        self._ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        self._output, _ = self._process.communicate()
        self._ended.set()

    def wait(self, timeout: int, expired: str) -> tuple[str, bytes]:
        """The error, empty for exit status 0, and the output."""
        if not self._ended.wait(timeout or DAY):
            self.kill(expired)
        if self._killed_as:
            return self._killed_as, b""
        return _exit_text(self._process.returncode), self._output

    def kill(self, reason: str) -> None:
        if self._ended.is_set():
            return
        self._killed_as = self._killed_as or reason
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._ended.set()


def carried(error: str, output: bytes, *, dialect: Dialect) -> tuple[str, bytes]:
    """What becomes of an answer on its way from the node to the server."""
    if dialect == "fork" and not _is_utf8(output):
        return NOT_UTF8, b""
    size = sum(_wire_size(part) for part in (output, error.encode()))
    if size > GRPC_LIMIT:
        return TOO_LARGE.format(size, GRPC_LIMIT), b""
    return error, output


def ask(url: str, *, post: bool, timeout: int) -> tuple[bool, bytes]:
    """Whether an HTTP task failed, and the text of its row."""
    data = None
    if post:
        url, _, query = url.partition("?")
        data = query.encode()
    request = urllib.request.Request(url, data, {"User-Agent": "golang/gocron"})
    try:
        with urllib.request.urlopen(request, timeout=timeout or 300) as answer:
            body = bytes(answer.read())
            return answer.status != 200, body
    except urllib.error.HTTPError as error:
        with error:
            return True, error.read()
    except OSError as error:
        return True, f'执行HTTP请求错误-Get "{url}": {error}'.encode()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wire_size(data: bytes) -> int:
    length = max(1, (len(data).bit_length() + 6) // 7)
    return 1 + length + len(data) if data else 0


def _exit_text(code: int) -> str:
    if code < 0:
        return f"signal: {signal.strsignal(-code)}".lower()
    return f"exit status {code}" if code else ""
