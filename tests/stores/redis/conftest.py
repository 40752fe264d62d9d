from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from pydag.stores.redis.store import RedisStore
from tests.support.servers import RedisServer, redis_store


@pytest.fixture
def store(redis_for_all: RedisServer, prefix: str) -> Iterator[RedisStore]:
    with closing(redis_store(redis_for_all, prefix)) as store:
        yield store
