"""A gocron server for the jobs that its scheduler starts."""

from __future__ import annotations

from tests.support.gocron_schedules import server

__all__ = ["server"]
