"""For tests of pydag and of what others plug into it: the contracts of the seams, as tests to inherit, and fakes.

Import it in test modules alone. `pytest.register_assert_rewrite("pydag.testing")` makes its failures talkative.
"""

from pydag.testing.engine_contract import EngineContract, OpenEngine
from pydag.testing.fake_clock import FakeClock
from pydag.testing.records import HOSTILE_NAMES, START, at, attempt_of, job_of, run_of
from pydag.testing.scripted_engine import ScriptedEngine, Start
from pydag.testing.store_contract import OpenStore, StoreContract

__all__ = [
    "HOSTILE_NAMES",
    "START",
    "EngineContract",
    "FakeClock",
    "OpenEngine",
    "OpenStore",
    "ScriptedEngine",
    "Start",
    "StoreContract",
    "at",
    "attempt_of",
    "job_of",
    "run_of",
]
