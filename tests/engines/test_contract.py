"""Every engine keeps the contract, the scripted one too, and gocron's on each server there is."""

import secrets
from collections.abc import Iterator

import pytest

from pydag.engines.gocron import sync
from pydag.engines.gocron.engine import GoCronEngine
from pydag.engines.local.engine import LocalEngine
from pydag.gocron.client import GoCronClient
from pydag.settings import RunNew
from pydag.testing.engine_contract import EngineContract
from pydag.testing.fake_clock import FakeClock
from pydag.testing.scripted_engine import ScriptedEngine, as_shell
from tests.support.gocron_targets import Lab


class TestLocalEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> Iterator[LocalEngine]:
        engine = LocalEngine(output_limit=1024 * 1024)
        yield engine
        engine.close()


class TestScriptedEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> ScriptedEngine:
        return ScriptedEngine(as_shell, FakeClock())


class TestGoCronEngine(EngineContract):
    @pytest.fixture
    def job(self) -> str:
        return f"contract {secrets.token_hex(4)}"

    @pytest.fixture
    def engine(self, lab: Lab, job: str) -> Iterator[GoCronEngine]:
        # A client of its own: the engine closes it, and the lab's is shared.
        with GoCronClient.adopt(lab.plain()) as client:
            engine = GoCronEngine(
                client, run_new=RunNew.AUTO, rounds_time=1.0, task_timeout=60.0, output_limit=1024 * 1024
            )
            yield engine
            engine.close()
        sync.delete(lab.client, job, force=True)
