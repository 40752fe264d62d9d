"""Signals that ask a run to stop: Ctrl-C, SIGTERM, a closed terminal, and the end of Python."""

from __future__ import annotations

import atexit
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def signals_to(interrupt: Callable[[], None]) -> Iterator[list[int]]:
    """Ctrl-C, SIGQUIT, SIGTERM and a closed terminal call `interrupt`. Gives the signals that came, in order.

    Python handles signals only in its main thread. In another thread the end of Python calls `interrupt`.
    """
    received: list[int] = []

    def handle(number: int, _: object) -> None:
        received.append(number)
        interrupt()

    if threading.current_thread() is not threading.main_thread():
        with _end_to(interrupt):
            yield received
        return
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        handler = signal.getsignal(number)
        if handler is not signal.SIG_IGN:  # as under nohup
            before[number] = handler
            signal.signal(number, handle)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def status_after(received: Sequence[int]) -> int:
    """The exit status of a process that these signals stopped, as a shell gives it. Without any it was Ctrl-C."""
    return 128 + (received[0] if received else signal.SIGINT)


@contextmanager
def _end_to(interrupt: Callable[[], None]) -> Iterator[None]:
    """Where Python ends meanwhile: call `interrupt`, and wait until the run has stopped. Ctrl-C calls it again."""
    left = threading.Event()

    def stop() -> None:
        while not left.is_set():
            interrupt()
            with suppress(KeyboardInterrupt):
                left.wait()

    atexit.register(stop)
    try:
        yield
    finally:
        atexit.unregister(stop)
        left.set()
