"""The contract that every store keeps, as tests."""

from __future__ import annotations

from pydag.errors import NotFound
from pydag.model.states import State
from pydag.testing.records import run_of
from pydag.testing.store_cases import OpenStore, raises
from pydag.testing.store_contract_attempts import AttemptsContract
from pydag.testing.store_contract_jobs import JobsContract
from pydag.testing.store_contract_runs import RunsContract

__all__ = ["OpenStore", "StoreContract"]


class StoreContract(JobsContract, RunsContract, AttemptsContract):
    """What every store must do.

    With pytest, subclass it in a test module (as `class TestMyStore(StoreContract)`) with a fixture `open_store`: a
    function that opens the one history of this test, which is empty at first. Every call gives a store of its own, as
    another process would have it; the fixture closes them all. Without pytest, call each method `test_...` with such a
    function.
    """

    def test_a_new_history_is_empty(self, open_store: OpenStore) -> None:
        store = open_store()
        assert store.jobs() == []
        assert store.runs() == []
        assert store.runs("J", states=[State.RUNNING], limit=3) == []
        assert list(store.output("r1", 0, 1)) == []
        raises(NotFound, lambda: store.job("J"))
        raises(NotFound, lambda: store.delete("J"))
        raises(NotFound, lambda: store.load(run_of("J", "r1")))
