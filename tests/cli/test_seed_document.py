"""The whole way of the document from which people know pydag, word by word, on a gocron and a Redis with a password.

Each block of commands is that of the document; what it prints is checked for what the document shows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pydag.engines.gocron import sync
from pydag.files import locked
from tests.support.commands import run
from tests.support.crontab_jobs import crontab, fire
from tests.support.gocron_targets import Lab
from tests.support.servers import free_port, redis_server

EXAMPLE = (Path(__file__).parents[2] / "examples" / "seed.py").read_text()
TASKS = ["Sync Data", "Feature Engineering1", "Feature Engineering2", "Machine Learning", "Send Email"]
PASSWORD = "of redis"

pytestmark = [pytest.mark.redis, pytest.mark.cron, pytest.mark.usefixtures("own_crontab")]


@pytest.fixture
def user(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A user who has set the five variables of the document, and saved its example."""
    port = free_port()
    monkeypatch.setenv("GOCRON_ADDRESS", lab.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", lab.user)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", lab.password)
    monkeypatch.setenv("PYDAG_LOG_STORE_HOST", "127.0.0.1")
    monkeypatch.setenv("PYDAG_LOG_STORE_PASSWORD", PASSWORD)
    monkeypatch.setenv("PYDAG_LOG_STORE_PORT", str(port))  # the document's Redis has the usual one
    Path("example.py").write_text(EXAMPLE if lab.original else EXAMPLE.replace("tm = PyGoCron()", "tm = None"))
    lock = tmp_path_factory.getbasetemp().parent / f"{lab.address.rpartition(':')[2]}.lock"
    with redis_server("--requirepass", PASSWORD, port=port), locked(lock):
        sync.delete_job(lab.client, "TestJob", force=True, now=datetime.now(UTC))
        yield lab
        sync.delete_job(lab.client, "TestJob", force=True, now=datetime.now(UTC))


def shell(command: str, **environ: str) -> CompletedProcess[str]:
    """A line of the document, in bash; `pydag` and `python` are those of this environment."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return run("bash", "-c", command, PATH=path, **environ)


def said(command: str, **environ: str) -> str:
    """What a line prints that must succeed."""
    done = shell(command, **environ)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_the_example_is_run_logged_and_deleted_as_the_document_says(user: Lab) -> None:
    assert "<TestJob with 5 tasks>" in said("python example.py")
    assert Path("TestJob.png").exists() or Path("TestJob.dot").exists()

    second = shell("python example.py")
    assert second.returncode != 0
    assert "job 'TestJob' exists on gocron (5 tasks): set PYDAG_RUN_NEW=no " in second.stderr
    said("export PYDAG_RUN_NEW=no\npython example.py")

    assert said("pydag list").splitlines()[0] == "TestJob"  # below it may be jobs of others that are on gocron alone
    assert said('pydag list --job_name="TestJob"').splitlines() == TASKS

    flat = said("pydag log TestJob")
    assert flat.count("`TestJob` at ") == 2
    assert [flat.index(f"`{task}`") for task in TASKS] == sorted(flat.index(f"`{task}`") for task in TASKS)
    tree = said("pydag log TestJob --style=tree")
    assert "└── ✓ `Sync Data` at " in tree
    assert said("pydag log TestJob --style=tree -n=5") == tree
    assert said("pydag log TestJob -n=1").count("`TestJob` at ") == 1
    task = said('pydag log TestJob --task_name="Sync Data" -n=1')
    assert task.count("\nsyncdata\n") == 1

    said("pydag delete TestJob")
    assert user.client.tasks(tag="TestJob") == []
    assert shell("pydag log TestJob").returncode == 6
    said("python example.py")


def test_the_example_is_submitted_and_starts_at_its_time(user: Lab) -> None:
    Path("submit.py").write_text(Path("example.py").read_text().replace('mode="execute"', 'mode="submit"'))
    said("python submit.py")
    made = user.client.tasks(tag="TestJob")
    assert [user.client.newest_log_id(task.id) for task in made] == [0] * 5

    assert "submitted TestJob\n" in said('pydag submit example.py --cron="0 0 * * *" --name="TestJob"')
    assert crontab().count(b"\n0 0 * * * ") == 1
    started = fire()
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    (run_,) = json.loads(said("pydag log TestJob --json"))["runs"]
    assert [task["state"] for task in run_["tasks"]] == ["success"] * 5
    assert {task.id for task in user.client.tasks(tag="TestJob")} == {task.id for task in made}

    said("pydag delete TestJob")
    assert (crontab(), user.client.tasks(tag="TestJob")) == (b"", [])


def test_a_task_runs_on_the_node_that_the_document_checks_and_names(user: Lab) -> None:
    first, second = user.nodes()
    if user.original:
        Path("nodes.py").write_text(
            "from pygocron.pygocron import PyGoCron\npgc = PyGoCron()\n"
            f"name = {user.prefix!r}\n"
            'pgc.add_new_node(ip=f"{name}.invalid", port="5921", alias=name, remark=name)\n'
            f"print([node['alias'] for node in pgc.get_nodes() or ()])\npgc.check_node(node_id={second.id})\n"
        )
        assert "Node is running Successfully" in said("python nodes.py")
    else:  # here a PyGoCron cannot log in, and pydag does the same
        assert f"{second.id}  {second.alias}  " in said("pydag nodes")
        assert said(f"pydag nodes check {second.id}") == f"gocron reaches node {second.id}\n"
    example = Path("example.py").read_text()
    remote = example.replace('command="echo syncdata"', f'command="echo syncdata", node_id={second.id}')
    Path("example.py").write_text(remote)
    said("python example.py")
    (run_,) = json.loads(said("pydag log TestJob --json"))["runs"]
    hosts = [task["attempts"][0]["host"] for task in run_["tasks"]]
    assert hosts == [f"{node.alias}-{node.name}:{node.port}" for node in (second, *[first] * 4)]
