"""The only place that chooses an engine, a scheduler and a store: the job and the settings name them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pydag.engines.base import Engine
from pydag.errors import EngineError, InvalidSetting, StoreUnreachable
from pydag.settings import RedisSettings, Settings
from pydag.stores.base import Store

if TYPE_CHECKING:
    from pydag.gocron.client import GoCronClient
    from pydag.schedule.schedulers.base import Scheduler
    from pydag.schedule.schedulers.crontab_file import Crontab
    from pydag.stores.redis.connection import Server

MAX_REMOTE_TIMEOUT = 86400.0
LOOK_TIMEOUT = 10.0  # seconds for a request of `pydag status` or `pydag list`: somebody waits for it


def engine_for(
    name: str | None, settings: Settings, *, task_manager: object | None = None, own_process: bool = False
) -> Engine:
    """The engine of that name; without one gocron where GOCRON_ADDRESS is set, else this machine.

    `task_manager` is a `PyGoCron`, whose server and login gocron's engine uses. `own_process` says that this process is
    pydag's own, so that it may change how it is scheduled.
    """
    if name == "gocron" or (name is None and settings.gocron.address):
        return _gocron_engine(settings, task_manager)
    from pydag.engines.local.engine import LocalEngine

    return LocalEngine(task_timeout=settings.task_timeout, short_turns=own_process)


def _gocron_engine(settings: Settings, task_manager: object | None) -> Engine:
    if settings.task_timeout > MAX_REMOTE_TIMEOUT:
        raise InvalidSetting(
            f"PYDAG_TASK_TIMEOUT={settings.task_timeout:g} is more than gocron takes: set it to {MAX_REMOTE_TIMEOUT:g} "
            "seconds (a day) or less"
        )
    client = gocron_client(settings, task_manager)
    from pydag.engines.gocron.engine import GoCronEngine

    return GoCronEngine(
        client,
        run_new=settings.gocron.run_new,
        rounds_time=settings.rounds_time,
        task_timeout=settings.task_timeout,
    )


def scheduler_for(node: int | None, settings: Settings, crontab: Crontab) -> Scheduler:
    """The crontab, or, with a node on which to start jobs, gocron's scheduler."""
    if node is None:
        from pydag.schedule.schedulers.crontab import CrontabScheduler

        return CrontabScheduler(crontab, settings.home)
    client = gocron_client(settings, timeout=LOOK_TIMEOUT)
    from pydag.schedule.schedulers.gocron import GoCronScheduler

    return GoCronScheduler(client, settings.home)


def gocron_client(settings: Settings, manager: object | None = None, *, timeout: float = 30.0) -> GoCronClient:
    """A client of the server that the settings name, or that a `PyGoCron` is logged in to already.

    `timeout`: seconds for each request.
    """
    try:
        from pydag.gocron.client import GoCronClient
    except ImportError as error:
        raise EngineError(f"gocron needs a package that is missing ({error.name}): install pydag[gocron]") from None
    gocron = settings.gocron
    if manager is not None:
        return GoCronClient.adopt(manager, user=gocron.user, password=gocron.password)
    if not gocron.address:
        raise InvalidSetting(
            "no gocron is named: set GOCRON_ADDRESS, GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD (docs/gocron.md)"
        )
    return GoCronClient(gocron.address, gocron.user, gocron.password, timeout=timeout)


@contextmanager
def opened_store(settings: Settings, *, reading: bool = False) -> Iterator[Store]:
    """The history, closed at the end. Opened for `reading`, one that does not exist is empty and is not made."""
    with closing(store_for(settings, reading=reading)) as store:
        yield store


def store_for(settings: Settings, *, reading: bool = False) -> Store:
    """The history. Opened for `reading`, an embedded one that does not exist is empty and is not made."""
    if settings.redis is not None:
        return _redis_store(settings.redis)
    from pydag.stores.sqlite.store import SQLiteStore

    return SQLiteStore(settings.home, create=not reading)


def _redis_store(settings: RedisSettings) -> Store:
    server = redis_server(settings, settings.database)
    from pydag.stores.redis.store import RedisStore

    return RedisStore(server, settings.prefix)


def redis_server(settings: RedisSettings, database: int) -> Server:
    """The server that the settings name, and one of its databases; nothing is asked of it yet."""
    try:
        from pydag.stores.redis.connection import Server
    except ImportError as error:
        raise StoreUnreachable(
            f"a history on Redis needs a package that is missing ({error.name}): install pydag[redis]"
        ) from None
    return Server(
        host=settings.host, port=settings.port, database=database, password=settings.password, url=settings.url
    )
