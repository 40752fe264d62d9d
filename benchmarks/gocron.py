"""`python -m benchmarks.gocron`: pydag on the gocron server that GOCRON_* name, beside the raw floor, in turns.

The floor is a bare client with eight kept-alive connections that makes the calls which gocron needs, and no other.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import local

import requests

CONNECTIONS = 8
CHAIN = 30
FAN = 1000
PAUSE = 0.02  # seconds between two looks at what runs
PAGE = 2000  # rows asked for at once: both gocrons give them


class Floor:
    """The bare client."""

    def __init__(self) -> None:
        self._address = os.environ["GOCRON_ADDRESS"].rstrip("/")
        self._local = local()
        self._pool = ThreadPoolExecutor(CONNECTIONS)
        form = {"username": os.environ["GOCRON_ADMIN_USER"], "password": os.environ["GOCRON_ADMIN_PASSWORD"]}
        self._headers = {"Auth-Token": self._call("POST", "/api/user/login", form)["data"]["token"]}

    def create(self, tag: str, count: int) -> list[int]:
        """Create tasks, and ask for their ids."""

        def store(number: int) -> None:
            form = {"name": f"{tag}:{number}", "tag": tag, "command": "true", "level": 2, "dependency_status": 1}
            form |= {"protocol": 2, "host_id": 1, "http_method": 1, "timeout": 60, "multi": 1}
            self._call("POST", "/api/task/store", form | {"notify_status": 1, "notify_type": 2})

        self._each(store, range(count))
        rows = self._call("GET", "/api/task", {"tag": tag, "page_size": PAGE})["data"]["data"]
        return [row["id"] for row in rows]

    def run(self, ids: list[int]) -> None:
        """Trigger tasks, wait until none runs, and read what they said."""
        newest = self._log(page_size=1)
        note = newest[0]["id"] if newest else 0
        mine = set(ids)
        self._each(lambda task: self._call("GET", f"/api/task/run/{task}"), ids)
        while any(row["task_id"] in mine for row in self._log(status=2)):  # gocron's filter for what runs
            time.sleep(PAUSE)
        ended = [row for row in self._log() if row["id"] > note and row["task_id"] in mine]
        if len(ended) != len(ids):
            raise SystemExit(f"{len(ended)} of {len(ids)} tasks have ended")

    def _log(self, **fields: object) -> list[dict[str, int]]:
        return self._call("GET", "/api/task/log", {"page_size": PAGE, **fields})["data"]["data"] or []

    def delete(self, ids: list[int]) -> None:
        """Delete tasks."""
        self._each(lambda task: self._call("POST", f"/api/task/remove/{task}", {}), ids)

    def _each(self, function: Callable[[int], object], items: Iterable[int]) -> None:
        list(self._pool.map(function, items))

    def _call(
        self, method: str, path: str, fields: Mapping[str, object] | None = None
    ) -> dict[str, dict[str, list[dict[str, int]]]]:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        query, form = (fields, None) if method == "GET" else (None, fields)
        headers = getattr(self, "_headers", {})
        answer = self._local.session.request(method, self._address + path, params=query, data=form, headers=headers)
        decoded = json.loads(answer.content)
        if decoded["code"] != 0:
            raise SystemExit(f"gocron refused {path}: {decoded['message']}")
        return decoded  # type: ignore[no-any-return]  # what gocron's API documents


def timed(action: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def pydag(*arguments: str, home: Path) -> None:
    """A whole command; its output is thrown away."""
    command = [sys.executable, "-m", "pydag", *arguments]
    subprocess.run(command, check=True, env={**os.environ, "PYDAG_HOME": str(home)}, stdout=subprocess.DEVNULL)


def fan(name: str, count: int, command: str = "true") -> str:
    """The file of a job: one root, so many parallel tasks, one sink."""
    return (
        "from pydag import Job, Task\n"
        f"with Job({name!r}) as job:\n"
        f"    middle = [Task(str(n), {command!r}) for n in range({count - 2})]\n"
        "    Task('root', 'true') >> middle >> Task('sink', 'true')\n"
    )


def chain(name: str, count: int) -> str:
    """The file of a job: one task after the other."""
    return (
        "from pydag import Job, Task\n"
        f"with Job({name!r}) as job:\n"
        f"    tasks = [Task(str(n), 'true') for n in range({count})]\n"
        "    for before, after in zip(tasks, tasks[1:]):\n        before >> after\n"
    )


def example(name: str) -> str:
    """The file of a job: the five tasks of the README."""
    return (
        "from pydag import Job, Task\n"
        f"with Job({name!r}) as job:\n"
        "    a, b, c, d, e = (Task(n, 'echo ' + n) for n in ('sync', 'fe1', 'fe2', 'ml', 'mail'))\n"
        "    a >> [b, c] >> d >> e\n"
    )


def measure(folder: Path) -> dict[str, float]:
    """One round of everything, pydag and floor in turns: seconds by name."""
    floor, found, tag = Floor(), {}, secrets.token_hex(4)
    file, home = folder / "job.py", folder / "home"
    for work, text in (
        ("example", example(f"e{tag}")),
        ("fan", fan(f"f{tag}", FAN + 2)),
        ("chain", chain(f"c{tag}", CHAIN)),
    ):
        file.write_text(text)
        found[work] = timed(partial(pydag, "run", str(file), home=home))
        job = f"{work[0]}{tag}"
        found[f"delete {work}"] = timed(partial(pydag, "delete", job, home=home))
    ids: list[int] = []
    found["floor create"] = timed(lambda: ids.extend(floor.create(f"r{tag}", FAN + 2)))
    found["floor run"] = timed(lambda: floor.run(ids))
    found["floor delete"] = timed(lambda: floor.delete(ids))
    return found


def rows(rounds: list[dict[str, float]]) -> list[tuple[str, ...]]:
    """The table's rows, of medians."""
    mid = {name: median(each[name] for each in rounds) for name in rounds[0]}
    both, link = mid["floor create"] + mid["floor run"], mid["chain"] / CHAIN
    return [
        _row("the example, whole command", mid["example"], None, "at most 0.5 s", mid["example"] <= 0.5),
        _row(
            f"1 root, {FAN} parallel, 1 sink: create and run",
            mid["fan"],
            both,
            "at most 1.3 x",
            mid["fan"] <= 1.3 * both,
        ),
        _row(f"chain of {CHAIN}, a link", link, None, "at most 0.060 s", link <= 0.06),
        _row(
            f"delete of {FAN + 2} tasks",
            mid["delete fan"],
            mid["floor delete"],
            "at most 1.3 x",
            mid["delete fan"] <= 1.3 * mid["floor delete"],
        ),
    ]


def _row(work: str, ours: float, floor: float | None, bound: str, reached: bool) -> tuple[str, ...]:
    ratio = f"{ours / floor:.2f}" if floor else "-"
    return work, f"{ours:.3f} s", f"{floor:.3f} s" if floor else "-", ratio, bound, "yes" if reached else "no"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gocron", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds, of which the median counts (default: 3)")
    runs = parser.parse_args().runs
    if "GOCRON_ADDRESS" not in os.environ:
        raise SystemExit("set GOCRON_ADDRESS, GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD to a server's to measure")
    rounds = []
    for _ in range(runs):
        with TemporaryDirectory(prefix="pydag-benchmark-") as folder:
            rounds.append(measure(Path(folder)))
    print(f"| work | pydag | floor of {CONNECTIONS} connections | ratio | bound | reached |")
    print("|---|---|---|---|---|---|")
    for row in rows(rounds):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
