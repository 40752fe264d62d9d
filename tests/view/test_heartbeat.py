from __future__ import annotations

from threading import Thread
from threading import enumerate as threads

import pytest

from pydag.view.heartbeat import Heartbeat
from tests.support.waiting import eventually


def test_a_silence_is_followed_by_beats() -> None:
    beats: list[int] = []
    heartbeat = Heartbeat(0.001, lambda: beats.append(1))
    eventually(lambda: len(beats) > 2)
    heartbeat.stop()
    heartbeat.stop()
    assert not any(thread.name == "pydag-heartbeat" for thread in threads())


def test_without_a_silence_there_is_no_beat() -> None:
    heartbeat = Heartbeat(3600, pytest.fail)
    heartbeat.heard()
    heartbeat.stop()


def test_where_no_thread_can_start_there_is_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    Heartbeat(0, pytest.fail).stop()
