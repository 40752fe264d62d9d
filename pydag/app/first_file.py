"""The use case of a first workflow file: write one that runs at once and says by comments how to go on."""

from __future__ import annotations

import os
from pathlib import Path

from pydag.errors import LoadError

JOB = "First"
"""The job in the file."""

_TEXT = f'''\
"""A first workflow. `pydag run` runs it; change it as you like."""

from pydag import Job, Task

with Job("{JOB}") as job:
    # A task has a name, and a command that bash runs.
    fetch = Task("Fetch", "sleep 1; echo three files")

    # These two start at the same time: they wait for the same task, and not for each other.
    count = Task("Count", "sleep 1; echo 3")
    check = Task("Check", "sleep 1; echo all good")

    # A task that fails is tried two times more, 5 seconds later, and is stopped when it takes over a minute.
    report = Task("Report", "echo done", retries=2, retry_delay=5, timeout=60)

    # This one runs only if something before it failed. Write `exit 1` into a command above to see it.
    alarm = Task("Alarm", "echo something failed", when="failure")

    # `a >> b` means: b comes after a.
    fetch >> [count, check] >> report >> alarm

if __name__ == "__main__":  # so that `python FILE` runs the job too
    job.run()
'''


def write_first_file(place: Path) -> Path:
    """Write the file at that path, or as `dag.py` in that directory, which is made where it is missing.

    Raises `LoadError` where something is there already, or where nothing can be written.
    """
    path = place if place.suffix == ".py" and not place.is_dir() else place / "dag.py"
    if os.path.lexists(path):
        raise LoadError(f"{str(path)!r} is there already and stays as it is: give another FILE or DIR")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEXT)
    except OSError as error:
        raise LoadError(
            f"{str(path)!r} cannot be written ({error.strerror}): give a FILE or DIR that you may write"
        ) from None
    return path
