"""The one place that chooses an engine, a scheduler and a store, by what the job and the settings name.

What is not chosen is not imported: a client of gocron or Redis takes longer to import than most commands to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pydag.engines.base import Engine
from pydag.errors import InvalidJob, InvalidSetting, shown
from pydag.runs.owner import this_process
from pydag.settings import RUNNING, RedisSettings, Settings
from pydag.stores.base import Store

if TYPE_CHECKING:
    from pydag.gocron.client import GoCronClient
    from pydag.model.spec import JobSpec
    from pydag.schedule.schedulers.base import Scheduler
    from pydag.schedule.schedulers.crontab_file import Crontab
    from pydag.stores.redis.connection import Server
    from pydag.workflow.job import Job

_LONGEST_TIMEOUT = 86400.0  # seconds that gocron takes
SHORT_TIMEOUT = 10.0
"""Seconds for a request to gocron where somebody waits for the answer: `pydag status`, `pydag list`."""


def checked(job: Job, settings: Settings) -> JobSpec:
    """The job as a checked record. Raises what `Job.check` raises, and `InvalidJob` for an engine that is unknown."""
    if job.engine not in (None, *_ENGINES):
        known = ", ".join(map(repr, _ENGINES))
        raise InvalidJob(f"job {job.name!r}: engine={shown(job.engine)} is unknown; use one of {known}")
    spec = job.check(strict=settings.strict)
    secret = next((param.name for param in spec.params if param.secret), None)
    if secret and engine_name(job, settings) in _KEEP_COMMANDS:
        raise InvalidJob(
            f"job {job.name!r} runs on {engine_name(job, settings)}, whose server would keep the secret parameter "
            f'{secret} in its commands: run it with engine="local", or let the command read the secret on its node'
        )
    return spec


def engine_for(job: Job, settings: Settings, *, own_process: bool = False) -> Engine:
    """The engine that a checked job names; where it names none, gocron if GOCRON_ADDRESS is set, else this machine.

    `own_process` says that this process is a command of pydag and not a user's program, so that the engine may change
    how the process is scheduled.
    """
    return _ENGINES[engine_name(job, settings)](job, settings, own_process)


def engine_name(job: Job, settings: Settings) -> str:
    """Which engine a checked job runs on."""
    return job.engine or ("gocron" if settings.gocron.address else "local")


def _local_engine(job: Job, settings: Settings, own_process: bool) -> Engine:
    from pydag.engines.local.engine import LocalEngine
    from pydag.engines.local.journal import Journal

    journal = Journal(settings.home / RUNNING, this_process())
    return LocalEngine(task_timeout=settings.task_timeout, short_turns=own_process, journal=journal)


def _gocron_engine(job: Job, settings: Settings, own_process: bool) -> Engine:
    if settings.task_timeout > _LONGEST_TIMEOUT:
        raise InvalidSetting(
            f"PYDAG_TASK_TIMEOUT={settings.task_timeout:g} is more than gocron takes: set it to {_LONGEST_TIMEOUT:g} "
            "seconds (a day) or less"
        )
    from pydag.engines.gocron.engine import GoCronEngine

    return GoCronEngine(
        gocron_client(settings, job.task_manager),
        run_new=settings.gocron.run_new,
        rounds_time=settings.rounds_time,
        task_timeout=settings.task_timeout,
    )


_ENGINES = {"local": _local_engine, "gocron": _gocron_engine}
"""The engines that a job can name. A new one is added here."""

_KEEP_COMMANDS = frozenset({"gocron"})
"""Those that keep commands, with their variables, on a server: no place for a secret."""


def scheduler_for(node: int | None, settings: Settings, crontab: Crontab) -> Scheduler:
    """The crontab, or, with a node on which to start jobs, gocron's scheduler."""
    if node is None:
        from pydag.schedule.schedulers.crontab import CrontabScheduler

        return CrontabScheduler(crontab, settings.home)
    from pydag.schedule.schedulers.gocron import GoCronScheduler

    return GoCronScheduler(gocron_client(settings, timeout=SHORT_TIMEOUT), settings.home)


def gocron_client(settings: Settings, task_manager: object | None = None, *, timeout: float = 30.0) -> GoCronClient:
    """A client of the server that the settings name, or that a `PyGoCron` is logged in to already.

    `timeout`: seconds for each request.
    """
    gocron = settings.gocron
    if task_manager is None and not gocron.address:
        raise InvalidSetting(
            "no gocron is named: set GOCRON_ADDRESS, GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD (docs/gocron.md)"
        )
    from pydag.gocron.client import GoCronClient

    if task_manager is not None:
        return GoCronClient.from_pygocron(task_manager, user=gocron.user, password=gocron.password)
    return GoCronClient(gocron.address, gocron.user, gocron.password, timeout=timeout)


@contextmanager
def opened_store(settings: Settings, *, reading: bool = False) -> Iterator[Store]:
    """The history, closed at the end. Opened for `reading`, an embedded one that does not exist is empty, not made."""
    with closing(_store_for(settings, reading)) as store:
        yield store


def _store_for(settings: Settings, reading: bool) -> Store:
    if settings.redis is not None:
        from pydag.stores.redis.store import RedisStore

        return RedisStore(redis_server(settings.redis, settings.redis.database), settings.redis.prefix)
    from pydag.stores.sqlite.store import SQLiteStore

    return SQLiteStore(settings.home, create=not reading)


def redis_server(settings: RedisSettings, database: int) -> Server:
    """A database of the Redis server that the settings name. Nothing is asked of the server yet."""
    from pydag.stores.redis.connection import Server

    return Server(
        host=settings.host, port=settings.port, database=database, password=settings.password, url=settings.url
    )
