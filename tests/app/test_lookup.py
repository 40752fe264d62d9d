"""Which run is meant by a word on the command line."""

from __future__ import annotations

import pytest

from pydag.app.lookup import found_run
from pydag.errors import NotFound
from pydag.stores.memory import MemoryStore
from pydag.testing import job_of, run_of


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for number, run_id in enumerate(["20260301T101500-aaaa", "20260301T101501-abcd", "20260302T000000-abce"]):
        store.begin(run_of("J", run_id, number), job_of("J"))
    store.begin(run_of("K", "20260303T000000-ffff", 9), job_of("K"))
    store.save_job(job_of("never"), run_of("x", "x").started)
    return store


def test_a_job_means_its_newest_run(store: MemoryStore) -> None:
    assert found_run(store, "J").id == "20260302T000000-abce"


def test_a_run_is_found_by_the_beginning_of_its_id(store: MemoryStore) -> None:
    assert found_run(store, "20260303").job == "K"
    assert found_run(store, "J", "20260301T101501").id == "20260301T101501-abcd"
    assert found_run(store, "20260302T000000-abce").id == "20260302T000000-abce"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("20260301",),
            "2 runs begin with '20260301', such as 20260301T101501-abcd and 20260301T101500-aaaa: add more of it",
        ),
        (("29990101",), "there is no job and no run '29990101' in the history: `pydag list` shows the jobs"),
        (("J", "20260303"), "the job 'J' has no run '20260303': `pydag log J --json` has the ids"),
        (("Jay",), "there is no job 'Jay' in the history; did you mean 'J'?"),
        (("never",), "the job 'never' has not run yet: `pydag run FILE` runs it"),
    ],
)
def test_what_is_not_one_run_is_refused(store: MemoryStore, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(NotFound) as caught:
        found_run(store, *words)
    assert str(caught.value) == message
