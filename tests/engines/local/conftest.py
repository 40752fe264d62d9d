"""Engines that end with their test."""

import os
from collections.abc import Iterator

import pytest

from pydag.engines.local.engine import LocalEngine
from pydag.model.spec import TaskSpec
from tests.support.local_engine import TIMEOUT, MakeEngine, job_of_commands, start_all


@pytest.fixture
def prepare() -> Iterator[MakeEngine]:
    """Makes an engine that is ready to start these tasks."""
    made = []

    def prepare(*tasks: str | TaskSpec, environ: dict[str, str] | None = None) -> LocalEngine:
        engine = LocalEngine(task_timeout=TIMEOUT, environ=os.environ if environ is None else environ)
        made.append(engine)
        engine.prepare(job_of_commands(*tasks))
        return engine

    yield prepare
    for engine in made:
        engine.close()


@pytest.fixture
def start(prepare: MakeEngine) -> MakeEngine:
    """Makes an engine that has started these tasks."""

    def start(*tasks: str | TaskSpec, environ: dict[str, str] | None = None) -> LocalEngine:
        engine = prepare(*tasks, environ=environ)
        start_all(engine, len(tasks))
        return engine

    return start
