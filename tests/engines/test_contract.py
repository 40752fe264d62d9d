"""Every engine keeps the contract, the scripted one too, and gocron's on each server there is."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pydag.engines.gocron import sync
from pydag.engines.gocron.engine import GoCronEngine
from pydag.engines.local.engine import LocalEngine
from pydag.settings import RunNew
from pydag.testing import EngineContract, FakeClock, OpenEngine, ScriptedEngine
from pydag.testing.scripted_engine import as_shell
from tests.support.gocron_targets import Lab


class TestLocalEngine(EngineContract):
    @pytest.fixture
    def open_engine(self) -> Iterator[OpenEngine]:
        engine = LocalEngine(task_timeout=60.0)
        yield lambda: engine
        engine.close()


class TestScriptedEngine(EngineContract):
    @pytest.fixture
    def open_engine(self) -> OpenEngine:
        return lambda: ScriptedEngine(as_shell, FakeClock())


class TestGoCronEngine(EngineContract):
    @pytest.fixture
    def open_engine(self, lab: Lab) -> Iterator[OpenEngine]:
        self.job = f"contract {secrets.token_hex(4)}"
        # A client of its own: the engine closes it, and the lab's is shared.
        with lab.new_client() as client:
            engine = GoCronEngine(client, run_new=RunNew.AUTO, rounds_time=1.0, task_timeout=60.0)
            yield lambda: engine
            engine.close()
        sync.delete_job(lab.client, self.job, force=True, now=datetime.now(UTC))


WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = None  # importing it fails
from pydag.testing import EngineContract, FakeClock, ScriptedEngine
from pydag.testing.scripted_engine import as_shell

contract = EngineContract()
tests = [name for name in dir(contract) if name.startswith("test_")]
for name in tests:
    getattr(contract, name)(lambda: ScriptedEngine(as_shell, FakeClock()))
print(len(tests))
"""


def test_the_contract_works_without_pytest() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYTEST], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) > 10
