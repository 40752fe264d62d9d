"""Every engine keeps the contract, the scripted one too."""

from collections.abc import Iterator

import pytest

from pydag.engines.local import LocalEngine
from pydag.testing.engine_contract import EngineContract
from pydag.testing.fake_clock import FakeClock
from pydag.testing.scripted_engine import ScriptedEngine, as_shell


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
