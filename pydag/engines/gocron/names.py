"""A job's tasks on a gocron server: their names there, their forms, and making the server agree with the job.

A task is named `job:task` there and tagged with the job, as gocron's users know it, whenever that fits. What does not
fit, or is not told apart by every database of gocron's, gets a shortened name with a digest of the whole one.
"""

from __future__ import annotations

from collections import Counter

from pydag.gocron.records import (
    CLOCK_TAG,
    NAME_LIMIT,
    TAG_LIMIT,
)
from pydag.model.spec import JobSpec, digest

_DIGEST = 12  # hexadecimal digits: two of 100,000 names meet once in 50,000 jobs


def tag_of(job: str) -> str:
    """The tag of a job's tasks; never the one that stands for gocron's clock."""
    return job if _fits(job, TAG_LIMIT) and job != CLOCK_TAG else _shortened(job, job, TAG_LIMIT)


def names_of(spec: JobSpec) -> list[str]:
    """The name of each task on gocron, in the job's order; no two are the same, not even but for upper and lower case.

    A job whose own name holds a colon has shortened names alone: `a:b` and `c` must not meet `a` and `b:c`.
    """
    plain = [f"{spec.name}:{task.name}" for task in spec.tasks]
    alike = Counter(name.casefold() for name in plain)
    return [
        name
        if _fits(name, NAME_LIMIT) and ":" not in spec.name and alike[name.casefold()] == 1
        else _shortened(name, f"{spec.name}\n{task.name}", NAME_LIMIT)
        for name, task in zip(plain, spec.tasks, strict=True)
    ]


def _fits(text: str, limit: int) -> bool:
    """Whether gocron keeps this text as it is: short, not trimmed, within what MySQL's utf8 has."""
    return len(text) <= limit and text == text.strip() and max(map(ord, text)) <= 0xFFFF


def _shortened(text: str, whole: str, limit: int) -> str:
    head = "".join(char if ord(char) <= 0xFFFF else "_" for char in text[: limit - _DIGEST - 1]).strip()
    return f"{head}~{digest(whole, _DIGEST)}"
