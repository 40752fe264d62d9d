"""`pydag run` of a part of a job, and a run that only says what it would do: here and on gocron."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_completion import completed
from tests.support.commands import flow, pydag
from tests.support.gocron_targets import Lab


@pytest.fixture
def etl() -> str:
    """A file with load a, load b -> join -> report, and an alarm."""
    return flow(
        "print('read')\n"
        "with Job('etl') as job:\n"
        "    loads = [Task(f'load {x}', f'echo {x} >> ran') for x in 'ab']\n"
        "    join, report = Task('join', 'echo join >> ran'), Task('report', 'echo report >> ran')\n"
        "    loads >> join >> report >> Task('alarm', 'echo alarm >> ran', when='failure')\n"
        "job.run()\n"
    )


def ran() -> list[str]:
    file = Path("ran")
    return sorted(file.read_text().split()) if file.exists() else []


def reasons() -> dict[str, tuple[str, str | None]]:
    (run, *_) = json.loads(pydag("log", "etl", "--json").stdout)["runs"]
    return {task["name"]: (task["state"], task["reason"]) for task in run["tasks"]}


def test_what_is_left_out_counts_as_done_and_the_record_says_so(etl: str) -> None:
    done = pydag("run", "--from", "join")
    assert (done.returncode, done.stderr) == (0, "")
    assert ran() == ["join", "report"]
    assert reasons() == {
        "load a": ("skipped", "left out"),
        "load b": ("skipped", "left out"),
        "join": ("success", None),
        "report": ("success", None),
        "alarm": ("skipped", "upstream"),
    }
    assert "`load a` left out of this run" in done.stdout
    assert "`load a`  left out of this run" in pydag("log", "etl").stdout
    assert "`load a`  left out of this run" in pydag("log", "etl", "--style=tree").stdout


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--only", "load*"], ["a", "b"]),
        (["--only", "load b", "--only", "report"], ["b", "report"]),
        (["--until", "join"], ["a", "b", "join"]),
        (["--from", "load a", "--until", "join"], ["a", "join"]),
        (["--only=alarm"], []),
    ],
)
def test_what_runs(etl: str, options: list[str], names: list[str]) -> None:
    assert pydag("run", etl, *options).returncode == 0
    assert ran() == names


def test_a_failure_of_what_was_asked_for_fails_the_run_and_sets_off_the_alarm() -> None:
    flow(
        "with Job('etl') as job:\n    Task('a', 'true') >> Task('b', 'false') >> Task('c', 'touch c', when='failure')\n"
    )
    assert pydag("run", "--from", "b").returncode == 1
    assert Path("c").exists()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--only", "laod*"], 6, "no task of 'etl' matches 'laod*'; did you mean 'load a'?"),
        (["--from", "Join"], 6, "'etl' has no task 'Join'; did you mean 'join'?"),
        (["--from", "report", "--until", "join"], 2, "--only, --from and --until together leave no task of 'etl': "),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_what_selects_nothing_is_refused_before_anything_runs(
    etl: str, own_home: Path, options: list[str], status: int, message: str, dry: list[str]
) -> None:
    done = pydag("run", *options, *dry)
    assert done.returncode == status
    assert done.stderr.startswith(f"pydag: {message}")
    assert done.stderr.count("\n") == 1
    assert not own_home.exists()


def test_a_dry_run_runs_nothing_and_writes_nothing(etl: str, own_home: Path, directory: Path) -> None:
    done = pydag("run", "--dry-run", "--until", "join", "-j", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:3] == [
        "read",
        "etl would run: 3 of 5 tasks, on this machine, at most 3 at once",
        "1 `load a`  timeout 1h 00m",
    ]
    assert not own_home.exists()
    assert [path.name for path in directory.iterdir()] == ["flow.py"]


def test_a_dry_run_refuses_what_a_run_refuses(own_home: Path) -> None:
    flow("with Job('J') as job:\n    a, b = Task('a', 'true'), Task('b', 'true')\n    a >> b >> a\n")
    assert pydag("run", "--dry-run").returncode == 2
    flow("Job('J')\n")
    assert "has no tasks" in pydag("run", "--dry-run").stderr


def test_a_dry_run_for_gocron_asks_no_server(etl: str) -> None:
    done = pydag("run", "--dry-run", GOCRON_ADDRESS="http://127.0.0.1:1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "etl would run: 5 tasks, on gocron" in done.stdout


def test_on_gocron_too_a_part_of_a_job_runs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOCRON_ADDRESS", lab.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", lab.user)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", lab.password)
    flow(f"with Job('{lab.prefix}') as job:\n    Task('a', 'exit 3') >> Task('b', 'echo b') >> Task('c', 'exit 3')\n")
    done = pydag("run", "--only", "b")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("; 1 success, 2 left out")


def test_the_shell_completes_the_tasks_of_the_file_and_gets_nothing_else(etl: str) -> None:
    assert completed("pydag", "run", etl, "--only", "") == ["load\\ a", "load\\ b", "join", "report", "alarm"]
    assert completed("pydag", "run", "--from", "j") == ["join"]
    assert completed("pydag", "run", "-j", "2", etl, "--until", "'load") == ["load a", "load b"]
    Path(etl).write_text("import os\nos.system('echo plain,evil')\n1 / 0\n")
    assert completed("pydag", "run", "--only", "") == []
    Path(etl).unlink()
    assert completed("pydag", "run", "--only", "") == []
