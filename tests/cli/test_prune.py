"""`pydag prune`, and PYDAG_KEEP at the end of a run."""

from __future__ import annotations

import json

import pytest

from tests.support.commands import pydag, simple


def runs() -> list[str]:
    return [run["state"] for run in json.loads(pydag("log", "TestJob", "--json", "-n", "99").stdout)["runs"]]


@pytest.fixture
def five_runs() -> None:
    """Of TestJob: success, failed, and three times success, the newest last."""
    for command in ("true", "false", "true", "true", "echo word"):
        pydag("run", simple(command))


def test_old_runs_go_and_the_newest_failure_stays(five_runs: None) -> None:
    said = pydag("prune", "--keep", "1", "--dry-run")
    assert (said.returncode, said.stdout) == (0, "TestJob: would delete 3 runs, 2 stay\n")
    assert len(runs()) == 5
    done = pydag("prune", "TestJob", "--keep=1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "TestJob: deleted 3 runs, 2 stay\n", "")
    assert runs() == ["success", "failed"]
    assert pydag("prune", "--keep", "1").stdout == "nothing to prune\n"
    assert pydag("prune", "--older-than", "1h").stdout == "nothing to prune\n"


def test_output_can_go_alone_and_the_log_says_so(five_runs: None) -> None:
    pydag("run", simple("echo more"))
    done = pydag("prune", "--keep", "1", "--output-only")
    assert done.stdout == "TestJob: deleted the output of 4 runs, 2 stay\n"
    assert len(runs()) == 6
    log = pydag("log", "TestJob", "--task-name", "t0", "-n", "2").stdout
    assert "more\n" in log
    assert "word" not in log
    assert "[cut here: 5 more bytes not kept" in log


def test_the_end_of_a_run_prunes_where_the_settings_say_so(five_runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDAG_KEEP", "2 runs, 90d")
    assert pydag("run", simple("true")).returncode == 0
    assert runs() == ["success", "success", "failed"]
    assert pydag("prune").stdout == "nothing to prune\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "pydag: nothing says what to keep: give --keep N or --older-than 90d, or set PYDAG_KEEP"),
        (["--keep", "0"], "'0' is not a whole number above 0"),
        (["--older-than", "soon"], "'soon' is not a time such as 12h, 90d, 8w or 1y"),
    ],
)
def test_without_a_limit_nothing_goes(options: list[str], message: str, five_runs: None) -> None:
    done = pydag("prune", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(runs()) == 5


def test_a_job_that_is_not_there_is_named() -> None:
    done = pydag("prune", "Tset", "--keep", "1")
    assert (done.returncode, done.stderr.startswith("pydag: there is no job 'Tset'")) == (6, True)
