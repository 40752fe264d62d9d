"""The commands and programs of a user whose jobs run on gocron: the seed's program, the nodes, every spelling."""

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
from tests.support.commands import PYDAG, flow, gate, pydag, run, started
from tests.support.fake_gocron import PASSWORD, USER, FakeGoCron
from tests.support.gocron_targets import Lab
from tests.support.waiting import eventually

SEED = Path(__file__).parents[2] / "examples" / "seed.py"
TASKS = ["Sync Data", "Feature Engineering1", "Feature Engineering2", "Machine Learning", "Send Email"]


@pytest.fixture
def server(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A gocron that the environment names. The seed's job is not there, before and after.

    On a real server the tests that use that job wait for each other, also those of other pytest processes.
    """
    monkeypatch.setenv("GOCRON_ADDRESS", lab.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", lab.user)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", lab.password)
    with locked(tmp_path_factory.getbasetemp().parent / f"{lab.address.rpartition(':')[2]}.lock"):
        sync.delete_job(lab.client, "TestJob", force=True, now=datetime.now(UTC))
        yield lab
        sync.delete_job(lab.client, "TestJob", force=True, now=datetime.now(UTC))


@pytest.fixture
def seed(server: Lab) -> str:
    """The seed's program as it stands; on the fork, where a plain PyGoCron cannot log in, with the one line changed."""
    text = SEED.read_text()
    Path("seed.py").write_text(text if server.original else text.replace("tm = PyGoCron()", "tm = None"))
    return "seed.py"


def python(file: str, **environ: str) -> CompletedProcess[str]:
    return run(sys.executable, file, **environ)


def states(job: str) -> dict[str, str]:
    """The newest run's, from the history."""
    run = json.loads(pydag("log", job, "--json").stdout)["runs"][0]
    assert run["engine"] == "gocron"
    return {task["name"]: task["state"] for task in run["tasks"]}


# The seed's program.


def test_the_seeds_program_runs_as_it_stands(server: Lab, seed: str) -> None:
    done = python(seed)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "<TestJob with 5 tasks>" in done.stdout
    assert states("TestJob") == dict.fromkeys(TASKS, "success")
    made = server.client.tasks(tag="TestJob")
    assert {task.form.name for task in made} == {f"TestJob:{task}" for task in TASKS}
    log = pydag("log", "TestJob", "--task_name", "Machine Learning", "-n=1")
    assert "machinelearning" in log.stdout
    assert "主机" not in log.stdout
    assert pydag("list", "--job_name=TestJob").stdout.splitlines() == TASKS


def test_the_seeds_program_that_cannot_log_in_says_in_one_line_why_and_what_to_change(server: Lab) -> None:
    if server.original:
        environ, said = (
            {"GOCRON_ADMIN_PASSWORD": "wrong"},
            "refused the login of PyGoCron(): check the user's name and ",
        )
    else:
        environ, said = {}, "change line 6, `tm = PyGoCron()`, to `tm = None`\n"
    script, command = python(str(SEED), **environ), pydag("run", str(SEED), **environ)
    for done in (script, command):
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert done.stderr.startswith("pydag: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "PyGoCron() has no login: set GOCRON_ADDRESS, GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD"),
        (
            "http://u:p@127.0.0.1:1",
            "PyGoCron() cannot reach gocron at http://127.0.0.1:1: check GOCRON_ADDRESS and that",
        ),
    ],
)
def test_a_seeds_program_without_a_server_does_not_show_the_password(address: str, said: str) -> None:
    done = python(str(SEED), GOCRON_ADDRESS=address, GOCRON_ADMIN_USER="admin", GOCRON_ADMIN_PASSWORD="s3cret")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"pydag: {said}")
    assert "s3cret" not in done.stderr


def test_an_error_in_the_code_of_such_a_program_keeps_its_traceback() -> None:
    Path("broken.py").write_text("import pydag.job\nprint(unknown)\n")
    done = python("broken.py")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback ")


def test_the_seeds_program_the_second_time_is_an_error_that_run_new_heals(server: Lab, seed: str) -> None:
    assert python(seed).returncode == 0
    second = python(seed)
    assert second.returncode != 0
    assert second.stderr.splitlines()[-1].endswith(
        "job 'TestJob' exists on gocron (5 tasks): set PYDAG_RUN_NEW=no to run it as it is there, "
        "=auto to make it agree with the file, or delete it first"
    )
    before = server.client.tasks(tag="TestJob")
    for run_new in ("no", "auto"):
        assert python(seed, PYDAG_RUN_NEW=run_new).returncode == 0
    assert server.client.tasks(tag="TestJob") == before
    assert len(json.loads(pydag("log", "TestJob", "-n", "9", "--json").stdout)["runs"]) == 3


def test_a_gocron_task_knows_its_id_on_gocron_after_a_run_and_its_node_by_position(server: Lab) -> None:
    second = server.nodes()[1]
    Path("ids.py").write_text(
        "from pydag.job import GoCronJob\nfrom pydag.task import GoCronTask\n"
        f"job = GoCronJob({server.prefix!r})\ntask = GoCronTask('a', 'echo hi', {second.id})\n"
        "job.add_task(task)\nprint(task.id, task.task_id)\njob.run()\nprint(task.id, task.task_id)\n"
    )
    done = python("ids.py")
    assert done.returncode == 0, done.stderr
    (made,) = server.client.tasks(tag=server.prefix)
    assert made.form.node_ids == (second.id,)
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("a None", f"a {made.id}")


def test_submit_makes_the_tasks_and_runs_nothing(server: Lab, seed: str) -> None:
    text = Path(seed).read_text()
    Path("submit.py").write_text(text.replace('mode="execute"', 'mode="submit"'))
    done = python("submit.py")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    made = server.client.tasks(tag="TestJob")
    assert len(made) == 5
    assert [server.client.newest_log_id(task.id) for task in made] == [0] * 5
    assert python(seed, PYDAG_RUN_NEW="no").returncode == 0


@pytest.mark.redis
def test_with_redis_the_history_of_gocron_is_there(server: Lab, seed: str, redis_environ: None) -> None:
    done = python(seed)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert states("TestJob") == dict.fromkeys(TASKS, "success")
    assert not Path("../home").exists()
    tree = pydag("log", "TestJob", "--style=tree")
    assert all(task in tree.stdout for task in TASKS)
    assert "TestJob" in pydag("status").stdout
    assert pydag("delete", "TestJob").stdout == "deleted TestJob, its history and its 5 tasks on gocron\n"
    assert server.client.tasks(tag="TestJob") == []
    assert pydag("log", "TestJob").returncode == 6


# Plain jobs.


def own(lab: Lab, body: str, options: str = "") -> str:
    """A file of a job that has the lab's name."""
    tasks = "".join(f"    {line}\n" for line in body.splitlines())
    return flow(f"from pydag import HttpTask\nwith Job({lab.prefix!r}{options}) as job:\n{tasks}job.run()\n")


def test_a_plain_job_runs_on_gocron_where_an_address_is_set(server: Lab) -> None:
    done = pydag("run", own(server, "Task('a', 'echo one') >> Task('b', 'exit 3') >> Task('c', 'true')"))
    assert done.returncode == 1
    assert "exit 3" in done.stdout
    assert states(server.prefix) == {"a": "success", "b": "failed", "c": "skipped"}


def test_a_job_that_says_local_stays_here(server: Lab) -> None:
    done = pydag("run", own(server, "Task('a', 'true')", ", engine='local'"))
    assert (done.returncode, done.stderr) == (0, "")
    assert server.client.tasks(tag=server.prefix) == []


def test_a_job_that_says_gocron_needs_an_address() -> None:
    done = pydag("run", flow("with Job('J', engine='gocron') as job:\n    Task('a', 'true')\njob.run()\n"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "pydag: no gocron is named: set GOCRON_ADDRESS, GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD (docs/gocron.md)\n"
    )


def test_tasks_name_their_nodes_by_id_and_alias_and_the_history_tells_the_host(server: Lab) -> None:
    first, second = server.nodes()
    tasks = f"Task('a', 'true', node_id={second.id})\nTask('b', 'true', node={first.alias!r})"
    assert pydag("run", own(server, tasks)).returncode == 0
    tasks_of_run = json.loads(pydag("log", server.prefix, "--json").stdout)["runs"][0]["tasks"]
    hosts = [task["attempts"][0]["host"] for task in tasks_of_run]
    assert hosts == [f"{node.alias}-{node.name}:{node.port}" for node in (second, first)]


def test_an_unknown_node_is_an_error_before_anything_is_made(server: Lab) -> None:
    done = pydag("run", own(server, "Task('a', 'true')\nTask('b', 'true', node='nowhere')"))
    assert done.returncode == 2
    assert done.stderr.startswith("pydag: task 'b': gocron has no node 'nowhere'; it has ")
    assert server.client.tasks(tag=server.prefix) == []
    assert pydag("log", server.prefix).returncode == 6


def test_names_longer_than_gocrons_are_shown_in_full(server: Lab) -> None:
    name, task = f"{server.prefix} and a name that is rather long", "a task whose name is longer than gocron takes"
    file = flow(f"with Job({name!r}) as job:\n    Task({task!r}, 'echo hi')\njob.run()\n")
    try:
        done = pydag("run", file)
        assert (done.returncode, done.stderr) == (0, "")
        assert task in done.stdout
        assert states(name) == {task: "success"}
        assert json.loads(pydag("list", "--json").stdout)["on_gocron_alone"].count(name) == 0
        elsewhere = json.loads(pydag("list", "--json", PYDAG_HOME="elsewhere").stdout)["on_gocron_alone"]
        assert name in elsewhere
    finally:
        assert pydag("delete", name).returncode == 0
    assert pydag("delete", name).returncode == 6


def test_a_second_run_of_a_job_that_runs_on_gocron_is_refused(server: Lab) -> None:
    file = own(server, f"Task('a', {gate()!r}, cwd={str(Path.cwd())!r})")
    with started(*PYDAG, "run", file) as first:
        eventually(Path("gate.open").exists)
        second = pydag("run", file, PYDAG_RUN_NEW="auto")
        assert second.returncode == 7
        assert f"pydag: job '{server.prefix}' runs now (run " in second.stderr
        assert second.stderr.count("\n") == 1
        refused = pydag("delete", server.prefix)
        assert refused.returncode == 7
        assert len(server.client.tasks(tag=server.prefix)) == 1
        assert "running" in json.dumps(json.loads(pydag("status", server.prefix, "--json").stdout)["running"])
        Path("gate").touch()
        assert first.wait(60) == 0


def test_ctrl_c_stops_what_runs_on_gocron(server: Lab) -> None:
    file = own(server, f"Task('a', {gate()!r}, cwd={str(Path.cwd())!r})\nTask('b', 'true').after(job.tasks[0])")
    with started(*PYDAG, "run", file) as process:
        eventually(Path("gate.open").exists)
        process.send_signal(2)
        assert process.wait(60) == 130
    assert states(server.prefix) == {"a": "cancelled", "b": "cancelled"}


def test_the_list_shows_jobs_that_are_on_gocron_alone_and_says_so(server: Lab) -> None:
    assert pydag("run", own(server, "Task('a', 'true')")).returncode == 0
    line = f"{server.prefix}  (on gocron, not in this history)"
    assert line not in pydag("list").stdout
    listed = pydag("list", PYDAG_HOME="elsewhere")
    assert line in listed.stdout.splitlines()
    assert listed.stderr == ""
    tasks = pydag("list", "--job_name", server.prefix, PYDAG_HOME="elsewhere")
    assert tasks.stdout == "a\n"
    assert tasks.stderr == (
        f"{server.prefix} is on gocron, not in this history; gocron does not know the order of its tasks\n"
    )
    for command in ("log", "status"):
        unknown = pydag(command, server.prefix, PYDAG_HOME="elsewhere")
        assert (unknown.returncode, unknown.stdout) == (6, "")
        assert unknown.stderr == (
            f"pydag: job '{server.prefix}' is on gocron (1 task), and no run of it is in this history: name the "
            "history that has them with PYDAG_HOME or PYDAG_LOG_STORE_HOST, or look into gocron's pages\n"
        )
    deleted = pydag("delete", server.prefix, PYDAG_HOME="elsewhere")
    assert deleted.stdout == f"deleted {server.prefix} and its task on gocron; it was not in this history\n"
    assert server.client.tasks(tag=server.prefix) == []


def test_what_runs_on_gocron_is_not_deleted_from_a_machine_without_its_history_but_by_force(server: Lab) -> None:
    file = own(server, f"Task('a', {gate()!r}, cwd={str(Path.cwd())!r})")
    with started(*PYDAG, "run", file) as process:
        eventually(Path("gate.open").exists)
        refused = pydag("delete", server.prefix, PYDAG_HOME="elsewhere")
        assert refused.returncode == 7
        said = f"pydag: gocron says that job '{server.prefix}' runs now ('{server.prefix}:a' since "
        assert refused.stderr.startswith(said)
        assert len(server.client.tasks(tag=server.prefix)) == 1
        assert pydag("delete", server.prefix, "--force", PYDAG_HOME="elsewhere").returncode == 0
        assert server.client.tasks(tag=server.prefix) == []
        Path("gate").touch()
        assert process.wait(60) == 0
    assert states(server.prefix) == {"a": "success"}


def test_a_job_is_deleted_after_a_lost_run_whose_row_never_ends(
    fake: FakeGoCron, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOCRON_ADDRESS", fake.address)
    monkeypatch.setenv("GOCRON_ADMIN_USER", USER)
    monkeypatch.setenv("GOCRON_ADMIN_PASSWORD", PASSWORD)
    fake.core.never_ends.add("J:a")
    file = flow(f"with Job('J') as job:\n    Task('a', {gate()!r}, cwd={str(Path.cwd())!r})\njob.run()\n")
    with started(*PYDAG, "run", file) as process:
        eventually(Path("gate.open").exists)
        process.send_signal(2)
        eventually(lambda: fake.counts["POST /api/task/log/stop"])
        process.send_signal(2)
        assert process.wait(60) == 130
    Path("gate").touch()
    assert states("J") == {"a": "lost"}
    assert pydag("delete", "J").stdout == "deleted J, its history and its task on gocron\n"


def test_max_parallel_holds_on_gocron_too(server: Lab) -> None:
    alone = "mkdir lock && sleep 0.1 && rmdir lock"
    tasks = f"for n in range(4):\n    Task(str(n), {alone!r}, cwd={str(Path.cwd())!r})"
    done = pydag("run", own(server, tasks, ", max_parallel=1"))
    assert (done.returncode, done.stderr) == (0, "")


def test_an_http_task_and_a_command_stand_in_one_job(server: Lab) -> None:
    url = f"{server.address}/api/install/status"
    done = pydag("run", own(server, f"HttpTask('ask', {url!r}) >> Task('then', 'true')"))
    assert (done.returncode, done.stderr) == (0, "")
    assert '"code"' in pydag("log", server.prefix, "--task_name", "ask").stdout


def test_the_commands_read_the_seeds_program_too(server: Lab, seed: str) -> None:
    assert pydag("run", seed).returncode == 0
    assert pydag("graph", seed, "--states", "-o", "seed.dot").returncode == 0
    assert "Feature Engineering2" in Path("seed.dot").read_text()


# Nodes.


def test_nodes_are_listed_added_checked_and_removed(server: Lab) -> None:
    lines = pydag("nodes").stdout.splitlines()
    first = server.nodes()[0]
    assert f"{first.id}  {first.alias}  {first.name}:{first.port}" in lines
    assert pydag("nodes", "check", first.alias).stdout == f"gocron reaches node {first.id}\n"
    alias = f"x{server.prefix}"
    added = pydag("nodes", "add", "--name", f"{server.prefix}.invalid", "--port", "1", "--alias", alias)
    assert added.returncode == 5
    assert added.stderr.count("\n") == 1
    assert [line for line in pydag("nodes").stdout.splitlines() if alias in line]
    checked = pydag("nodes", "check", alias)
    assert (checked.returncode, checked.stdout) == (5, "")
    removed = pydag("nodes", "remove", alias)
    assert (removed.returncode, removed.stderr) == (0, "")
    assert alias not in pydag("nodes").stdout


def test_a_node_that_nobody_knows_is_not_found(server: Lab) -> None:
    done = pydag("nodes", "check", "nobody")
    assert (done.returncode, done.stderr) == (6, "pydag: gocron has no node 'nobody': `pydag nodes` lists them\n")
