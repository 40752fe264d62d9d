"""Task: one step of a job, and the ways to say which step comes after which."""

from __future__ import annotations

from pydag.errors import InvalidJob, shown
from pydag.model.states import When
from pydag.workflow.tasks.base import Task


class HttpTask(Task):
    """A URL that the gocron server itself asks for; it succeeds when the answer is 200.

    A POST sends the URL's query as a form. gocron waits 300 seconds at most. On no other engine.
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
        super().__init__(name, url, timeout=timeout, retries=retries, retry_delay=retry_delay, when=when)
        if not self.command.strip().lower().startswith(("http://", "https://")):
            raise InvalidJob(f"task {name!r}: the URL {url!r} must start with http:// or https://")
        if method not in ("GET", "POST"):
            raise InvalidJob(f'task {name!r}: method={shown(method)} is unknown; use "GET" or "POST"')
        self.http_method = method
