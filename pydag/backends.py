"""The only chooser of an engine, a clock and a store: what the job and the settings name is what is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydag.engines.base import Engine
from pydag.errors import EngineError, InvalidSetting, StoreUnreachable
from pydag.job import GoCronJob, Job
from pydag.settings import RedisSettings, Settings
from pydag.stores.base import Store

if TYPE_CHECKING:
    from pydag.clocks.base import Clock
    from pydag.crontab import Crontab
    from pydag.engines.gocron_client import GoCronClient
    from pydag.stores.redis_server import Server

MAX_REMOTE_TIMEOUT = 86400.0
LOOK_TIMEOUT = 10.0  # seconds for a request of `pydag status` or `pydag list`: somebody waits for it


def engine_for(job: Job, settings: Settings, *, own_process: bool = False) -> Engine:
    """The engine that the job names; without a name gocron where GOCRON_ADDRESS is set, else this machine.

    `own_process`: nothing but pydag runs in this one, so what it changes of itself is nobody else's.
    """
    if job.engine == "gocron" or (job.engine is None and settings.gocron.address):
        return _gocron_engine(job, settings)
    from pydag.engines.local import LocalEngine

    return LocalEngine(output_limit=settings.output_limit, short_turns=own_process)


def _gocron_engine(job: Job, settings: Settings) -> Engine:
    if settings.task_timeout > MAX_REMOTE_TIMEOUT:
        raise InvalidSetting(
            f"PYDAG_TASK_TIMEOUT={settings.task_timeout:g} is more than gocron takes: set it to {MAX_REMOTE_TIMEOUT:g} "
            "seconds (a day) or less"
        )
    client = gocron_client(settings, job.task_manager if isinstance(job, GoCronJob) else None)
    from pydag.engines.gocron import GoCronEngine

    return GoCronEngine(
        client,
        run_new=settings.gocron.run_new,
        rounds_time=settings.rounds_time,
        task_timeout=settings.task_timeout,
        output_limit=settings.output_limit,
    )


def clock_for(node: int | None, settings: Settings, crontab: Crontab) -> Clock:
    """The clock of jobs that gocron's scheduler starts on a node, or, without a node, of those on the crontab."""
    if node is None:
        from pydag.clocks.crontab import CrontabClock

        return CrontabClock(crontab, settings.home)
    client = gocron_client(settings, timeout=LOOK_TIMEOUT)
    from pydag.clocks.gocron import GoCronClock

    return GoCronClock(client, settings.home)


def gocron_client(settings: Settings, manager: object | None = None, *, timeout: float = 30.0) -> GoCronClient:
    """A client of the server that the settings name, or that a `PyGoCron` is logged in to already.

    `timeout`: seconds for each request.
    """
    try:
        from pydag.engines.gocron_client import GoCronClient
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


def store_for(settings: Settings, *, reading: bool = False) -> Store:
    """The history. Opened for `reading`, an embedded one that does not exist is empty and is not made."""
    if settings.redis is not None:
        return _redis_store(settings.redis)
    from pydag.stores.sqlite import SQLiteStore

    return SQLiteStore(settings.home, create=not reading)


def _redis_store(settings: RedisSettings) -> Store:
    server = redis_server(settings, settings.database)
    from pydag.stores.redis import RedisStore

    return RedisStore(server, settings.prefix)


def redis_server(settings: RedisSettings, database: int) -> Server:
    """The server that the settings name, and one of its databases; nothing is asked of it yet."""
    try:
        from pydag.stores.redis_server import Server
    except ImportError as error:
        raise StoreUnreachable(
            f"a history on Redis needs a package that is missing ({error.name}): install pydag[redis]"
        ) from None
    return Server(
        host=settings.host, port=settings.port, database=database, password=settings.password, url=settings.url
    )
