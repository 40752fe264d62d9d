"""Triggers: the requests by which gocron starts runs, several under way at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Generic, TypeVar

from pydag.errors import EngineError

Attempt = TypeVar("Attempt")


class Triggers(Generic[Attempt]):
    """Sends triggers from the threads of a pool, and keeps the answers until they are asked for.

    `answered` is called, from one of those threads, whenever an answer has come.
    """

    def __init__(self, pool: Executor, trigger: Callable[[Attempt], None], answered: Callable[[], None]) -> None:
        self._pool = pool
        self._trigger = trigger
        self._answered = answered
        self._under_way: list[tuple[Attempt, Future[None]]] = []

    def send(self, attempt: Attempt) -> None:
        """Start this attempt."""
        trigger = self._pool.submit(self._trigger, attempt)
        trigger.add_done_callback(lambda _: self._answered())
        self._under_way.append((attempt, trigger))

    def answers(self) -> list[tuple[Attempt, EngineError | None]]:
        """The attempts whose triggers were answered since the last call, each with its error if there was one."""
        under_way, self._under_way = self._under_way, []
        answers: list[tuple[Attempt, EngineError | None]] = []
        for attempt, trigger in under_way:
            if not trigger.done():  # asked only once: a moment later the result may be another
                self._under_way.append((attempt, trigger))
                continue
            try:
                trigger.result()
                answers.append((attempt, None))
            except EngineError as error:
                answers.append((attempt, error))
        return answers

    def wait(self) -> None:
        """Return when all triggers have been answered."""
        wait([trigger for _, trigger in self._under_way])
