"""Heartbeat: something happens after each stretch of silence."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread


class Heartbeat:
    """Calls `beat` in a thread of its own after so many seconds in which `heard` was not called, again and again."""

    def __init__(self, seconds: float, beat: Callable[[], None]) -> None:
        self._seconds = seconds
        self._beat = beat
        self._heard = time.monotonic()
        self._over = Event()
        self._thread = Thread(target=self._watch, name="pydag-heartbeat", daemon=True)
        with suppress(RuntimeError):  # no more threads: then there is no heartbeat
            self._thread.start()

    def heard(self) -> None:
        """The silence begins anew. Costs next to nothing."""
        self._heard = time.monotonic()

    def stop(self) -> None:
        """No beat comes after this. May be called again."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        rest = self._seconds
        while not self._over.wait(rest):
            rest = self._heard + self._seconds - time.monotonic()
            if rest <= 0:
                self._beat()
                self._heard = time.monotonic()
                rest = self._seconds
