"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T]) -> T:
    """The condition's value once it is true; fails if that takes a minute."""
    found = holds_within(60.0, condition)
    assert found, "the condition did not become true within a minute"
    return found


def holds_within(seconds: float, condition: Callable[[], T]) -> T:
    """The condition's value once it is true, or its last value when the time is over."""
    end, pause = time.monotonic() + seconds, 0.002
    while True:
        asked = time.monotonic()
        found = condition()
        now = time.monotonic()
        if found or now >= end:
            return found
        time.sleep(max(pause, now - asked))  # asking may itself slow down what is waited for
        pause = min(pause * 1.5, 0.05)
