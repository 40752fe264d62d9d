"""What the parts of the store contract share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from pydag.stores.base import Store

OpenStore = Callable[[], Store]
"""Opens the one history of a test, as another process would: each call gives a store of its own."""

Item = TypeVar("Item")


class Broken(Exception):
    """What `Breaking` raises."""


class Breaking(list[Item]):
    """A sequence that raises behind its last item."""

    def __iter__(self) -> Iterator[Item]:
        yield from super().__iter__()
        raise Broken


def output_of(store: Store, run_id: str, task: int, number: int, start: int = 0) -> bytes:
    """The pieces in one."""
    return b"".join(store.output(run_id, task, number, start))


def raises(kind: type[Exception], call: Callable[[], object]) -> None:
    """`pytest.raises` without pytest, which users of the contract may not have."""
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")
