"""Signals that ask a run to stop: Ctrl-C, SIGTERM, a closed terminal, and the end of Python."""

from __future__ import annotations

import atexit
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def signals_to(interrupt: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C, SIGQUIT, SIGTERM and a closed terminal call `interrupt`.

    Python handles signals only in its main thread. In another thread the end of Python calls `interrupt`.
    """
    if threading.current_thread() is not threading.main_thread():
        with _end_to(interrupt):
            yield
        return
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        handler = signal.getsignal(number)
        if handler is not signal.SIG_IGN:  # as under nohup
            before[number] = handler
            signal.signal(number, lambda *_: interrupt())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
