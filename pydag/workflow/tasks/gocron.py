"""GoCronTask: a task by the name, and with the attributes, that programs written for gocron know."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pydag.model.states import When
from pydag.workflow.tasks.base import Task


class GoCronTask(Task):
    """A Task whose node may be given by position: `GoCronTask("Train", "python train.py", 2)`.

    It runs as plain `bash -c` unless it, or its job, says `strict=True`.
    """

    __slots__ = ("task_id",)
    strict_by_default = False

    def __init__(
        self,
        name: str,
        command: str,
        node_id: int | Iterable[int] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        retry_delay: float = 0.0,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        when: str | When = When.SUCCESS,
        node: str | Iterable[str] | None = None,
        strict: bool | None = None,
    ) -> None:
        self.task_id: int | None = None
        """The id of the task on gocron, once a run or a submit of its job has found or made it there."""
        super().__init__(
            name,
            command,
            timeout=timeout,
            retries=retries,
            retry_delay=retry_delay,
            env=env,
            cwd=cwd,
            when=when,
            node_id=node_id,
            node=node,
            strict=strict,
        )

    @property
    def id(self) -> str:
        """The name, which is what tells the tasks of a job apart."""
        return self.name
