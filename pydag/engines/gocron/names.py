"""What the tasks of a job are called on gocron: their names, tags and remarks, and the way back to the job.

A task is named `job:task` there and tagged with the job, as gocron's users know it, whenever that fits. A name that
does not fit, or that a database of gocron's may confuse with another, is shortened and gets a digest of the whole one.
"""

from __future__ import annotations

from collections import Counter

from pydag.gocron.forms import NAME_LIMIT, REMARK_LIMIT, TAG_LIMIT, TaskForm
from pydag.model.spec import JobSpec, TaskSpec, digest

SCHEDULER_TAG = "pydag@clock"
"""The tag of the tasks by which gocron's scheduler starts jobs. The tasks of a job never have it."""

_DIGITS = 12  # of the digest, hexadecimal: two of 100,000 names meet once in 50,000 jobs
_REMARK = "pydag"


def tag_of(job: str) -> str:
    """The tag of a job's tasks."""
    return job if _is_kept(job, TAG_LIMIT) and job != SCHEDULER_TAG else _shortened(job, job, TAG_LIMIT)


def task_names(spec: JobSpec) -> list[str]:
    """The name of each task on gocron, in the job's order. Any two differ in more than upper and lower case.

    Where the job's own name holds a colon, every name is shortened: `a:b` and `c` must not meet `a` and `b:c`.
    """
    plain = [f"{spec.name}:{task.name}" for task in spec.tasks]
    count = Counter(name.casefold() for name in plain)
    return [
        name
        if _is_kept(name, NAME_LIMIT) and ":" not in spec.name and count[name.casefold()] == 1
        else _shortened(name, f"{spec.name}\n{task.name}", NAME_LIMIT)
        for name, task in zip(plain, spec.tasks, strict=True)
    ]


def remark_of(spec: JobSpec, task: TaskSpec) -> str:
    """The remark by which `is_of_a_job` and `job_of` know a task whose name was shortened."""
    whole = f"{spec.name}:{task.name}"
    return f"{_REMARK} {whole}"[:REMARK_LIMIT] if _is_kept(whole, 200) else _REMARK


def is_of_a_job(form: TaskForm) -> bool:
    """Whether pydag made the task for a job, rather than people in gocron's pages or pydag for the scheduler."""
    if form.tag in ("", SCHEDULER_TAG):
        return False
    return form.remark.startswith(_REMARK) or form.name.startswith(f"{form.tag}:")


def job_of(form: TaskForm) -> str:
    """The name of the job whose task this is; the tag, where the remark does not hold a shortened name."""
    whole = form.remark.removeprefix(f"{_REMARK} ")
    colons = [place for place, char in enumerate(whole) if char == ":"]
    return next((whole[:colon] for colon in colons if tag_of(whole[:colon]) == form.tag), form.tag)


def task_of(form: TaskForm) -> str:
    """The task's own name; that on gocron, where the remark does not hold a shortened one."""
    job = job_of(form)
    whole = form.remark.removeprefix(f"{_REMARK} ")
    return (whole if whole.startswith(f"{job}:") else form.name).removeprefix(f"{job}:")


def _is_kept(text: str, limit: int) -> bool:
    """Whether every database of gocron's keeps this text as it is: short, without blanks around it, in MySQL's utf8."""
    return len(text) <= limit and text == text.strip() and max(map(ord, text)) <= 0xFFFF


def _shortened(text: str, whole: str, limit: int) -> str:
    head = "".join(char if ord(char) <= 0xFFFF else "_" for char in text[: limit - _DIGITS - 1]).strip()
    return f"{head}~{digest(whole, _DIGITS)}"
