"""HttpTask: a URL that the engine's server asks for."""

from __future__ import annotations

from pydag.errors import InvalidJob, shown
from pydag.model.actions import HttpRequest
from pydag.model.states import When
from pydag.workflow.tasks.base import Task
from pydag.workflow.tasks.shell import checked_command


class HttpTask(Task):
    """A URL that the gocron server itself asks for; it succeeds when the answer is 200.

    A POST sends the URL's query as a form. gocron waits 300 seconds at most. No other engine can run it.
    """

    __slots__ = ()

    def __init__(
        self,
        name: str,
        url: str,
        method: str = "GET",
        *,
        timeout: float | None = None,
        retries: int = 0,
        retry_delay: float = 0.0,
        when: str | When = When.SUCCESS,
    ) -> None:
        if not checked_command(url, name).strip().lower().startswith(("http://", "https://")):
            raise InvalidJob(f"task {name!r}: the URL {url!r} must start with http:// or https://")
        if method not in ("GET", "POST"):
            raise InvalidJob(f'task {name!r}: method={shown(method)} is unknown; use "GET" or "POST"')
        action = HttpRequest(url=url, method=method)
        self._define(name, action, timeout=timeout, retries=retries, retry_delay=retry_delay, when=when)
