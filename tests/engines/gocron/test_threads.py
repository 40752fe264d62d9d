"""Several requests to gocron at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future

import pytest

from pydag.engines.gocron.threads import for_each
from pydag.engines.gocron.triggers import Triggers
from pydag.errors import EngineError


def test_after_an_error_nothing_new_begins() -> None:
    all_given, begun = threading.Event(), []

    def items() -> Iterator[int]:
        yield from range(20_000)
        all_given.set()

    def fails_from_the_second_on(number: int) -> None:
        begun.append(number)
        all_given.wait()
        if number:
            raise EngineError("one of them")

    with pytest.raises(EngineError, match="one of them"):
        for_each(items(), fails_from_the_second_on)
    assert len(begun) < 20_000


class _EndsMeanwhile(Future[None]):
    """A trigger whose answer comes right after it was asked for."""

    asked = 0

    def done(self) -> bool:
        self.asked += 1
        return self.asked > 1


class _Given(Executor):
    """Runs nothing: each submit returns the next of these futures."""

    def __init__(self, *futures: Future[None]) -> None:
        self.futures = list(futures)

    def submit(self, *_: object, **__: object) -> Future[None]:  # type: ignore[override]  # of one result type
        return self.futures.pop(0)


def test_an_answer_that_comes_while_the_answers_are_read_is_not_dropped() -> None:
    answers: list[Future[None]] = [Future(), _EndsMeanwhile()]
    triggers: Triggers[str] = Triggers(_Given(*answers), lambda _: None, lambda: None)
    for name, answer in zip(("one", "two"), answers, strict=True):
        triggers.send(name)
        answer.set_result(None)
    assert triggers.answers() == [("one", None)]
    assert triggers.answers() == [("two", None)]
    assert triggers.answers() == []
