"""The use case of those who used the program before this pydag: their history, and their entries on the crontab."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from pydag.app.backends import gocron_client, opened_store, redis_server
from pydag.app.gocron import spec_on
from pydag.engines.gocron.verdict import verdict
from pydag.errors import InvalidSetting
from pydag.gocron.client import GoCronClient
from pydag.gocron.records import LogRow
from pydag.gocron.results import parse_result
from pydag.model.spec import JobSpec
from pydag.schedule.schedulers.crontab_file import Crontab
from pydag.schedule.schedulers.crontab_plan import PlanBlock, plan_blocks
from pydag.schedule.submission import account_home
from pydag.settings import RedisSettings, Settings
from pydag.stores.redis import migration, old_history
from pydag.stores.redis.old_history import OldHistory, OldRecord, OldRun

_HOUR = timedelta(hours=1)


def new_runs() -> list[OldRun]:
    """The runs of the old history that no migration has brought over yet, oldest first."""
    settings = Settings.load()
    redis = _redis(settings)
    return migration.new_runs(_old_history(redis), _brought(redis))


def migrate() -> migration.Migrated:
    """Copy the history that the earlier program kept on Redis, with what gocron still knows of it."""
    settings = Settings.load()
    redis = _redis(settings)
    with opened_store(settings) as store, gocron_client(settings) as client:
        return migration.migrate(_old_history(redis), store, _Executions(client), _brought(redis))


def _redis(settings: Settings) -> RedisSettings:
    if settings.redis is None:
        raise InvalidSetting("no Redis is named to read the old history from: set PYDAG_LOG_STORE_HOST")
    return settings.redis


def _old_history(redis: RedisSettings) -> OldHistory:
    if redis.url and redis.url.startswith(("redis:", "rediss:")):  # the database that a URL names is that of today
        redis = replace(redis, url=urlsplit(redis.url)._replace(path=f"/{old_history.DATABASE}", query="").geturl())
    return old_history.read(redis_server(redis, old_history.DATABASE), redis.prefix)


def _brought(redis: RedisSettings) -> migration.BroughtOnRedis:
    return migration.BroughtOnRedis(redis_server(redis, redis.database), redis.prefix)


class _Executions:
    """What gocron still knows. Its log rows outlive their tasks, until somebody clears the log."""

    def __init__(self, client: GoCronClient) -> None:
        self._client = client
        self._rows: dict[int, dict[int, LogRow]] = {}
        self._offset: timedelta | None = None

    def job(self, name: str) -> JobSpec | None:
        return spec_on(self._client, name)

    def find(self, record: OldRecord) -> migration.Execution | None:
        row = self._rows_of(record.task_id).get(record.row)
        if row is None or not row.name.endswith(f":{record.task}") or not self._client.has_ended(row):
            return None
        end = parse_result(row.result, status=row.status, protocol=row.protocol, hosts=row.hosts)
        found = verdict([end])
        ahead = self._ahead(row.ended, record.at)
        return migration.Execution(
            state=found.state,
            started=_moment(row.started, ahead),
            ended=_moment(row.ended, ahead),
            exit_status=found.exit_status,
            reason=found.reason,
            detail=found.detail,
            host=end.host or "",
            output=end.output.encode(),
        )

    def _rows_of(self, task_id: int) -> dict[int, LogRow]:
        if task_id not in self._rows:
            self._rows[task_id] = {row.id: row for row in self._client.logs(task_id=task_id)} if task_id else {}
        return self._rows[task_id]

    def _ahead(self, ended: datetime | None, seen: datetime) -> timedelta:
        """How far gocron's clock was ahead of UTC: as it is now, or with another summer time. The end was seen soon."""
        if self._offset is None:
            self._offset = self._client.utc_offset(datetime.now(UTC))
        now = self._offset
        if ended is None:
            return now
        digits = ended.replace(tzinfo=UTC)
        return min((now, now - _HOUR, now + _HOUR), key=lambda ahead: abs(digits - ahead - seen))


def _moment(digits: datetime | None, ahead: timedelta) -> datetime | None:
    return digits.replace(tzinfo=UTC) - ahead if digits else None


class Takeover(NamedTuple):
    """An entry that the earlier program has on the crontab, the command that takes it over, and what that says."""

    block: PlanBlock
    command: tuple[str, ...]
    possible: bool
    said: str


def takeovers(*, dry_run: bool) -> list[Takeover]:
    """Take over each entry of the earlier program, or only say what that would do. The others stay as they are."""
    if shutil.which("crontab") is None:
        return []
    text = Crontab(Settings.load().home).read()
    return [_take_over(block, dry_run=dry_run) for block in plan_blocks(text)]


def _take_over(block: PlanBlock, *, dry_run: bool) -> Takeover:
    """In a process of its own, in the directory in which cron starts the entry: two files may import one name."""
    command = ("submit", block.file, "--cron", block.expression, "--job", block.name)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pydag", *command, *["--dry-run"] * dry_run],
        cwd=account_home(),
        env={**os.environ, "PYDAG_RUN_NEW": block.run_new},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout if done.returncode == 0 else done.stderr
    return Takeover(block, command, done.returncode == 0, said.strip())
