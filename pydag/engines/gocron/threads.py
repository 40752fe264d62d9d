"""Several requests to gocron at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

THREADS = 8
"""Requests under way at the same time: measured, more than these make neither gocron faster."""

Item = TypeVar("Item")


def for_each(items: Iterable[Item], function: Callable[[Item], object]) -> None:
    """Call the function with each item, several at the same time. After an error no more calls begin."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="pydag-gocron") as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
