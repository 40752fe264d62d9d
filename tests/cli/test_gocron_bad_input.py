"""What goes wrong on the way to gocron and to Redis: one line, the value, the next step, the documented status."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import CompletedProcess

import pytest

from tests.support.commands import flow, pydag
from tests.support.fake_gocron import PASSWORD, PLAIN_PASSWORD, PLAIN_USER, USER, FakeGoCron
from tests.support.servers import free_port, redis_server

SECRET = "s3cret-word"


def run_on(address: str, user: str = USER, password: str = PASSWORD, command: str = "true") -> CompletedProcess[str]:
    """A job of one task, run there."""
    file = flow(f"with Job('J') as job:\n    Task('t', {command!r})\njob.run()\n")
    return pydag("run", file, GOCRON_ADDRESS=address, GOCRON_ADMIN_USER=user, GOCRON_ADMIN_PASSWORD=password)


def says(done: CompletedProcess[str], status: int, *parts: str) -> None:
    """One line with all of this, and no password."""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("pydag: ")
    for part in parts:
        assert part in done.stderr
    for secret in (PASSWORD, PLAIN_PASSWORD, SECRET):
        assert secret not in done.stderr
    assert (done.returncode, done.stdout) == (status, "")


@pytest.fixture
def site() -> Iterator[str]:
    """A web server that is not gocron."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# gocron.


@pytest.mark.parametrize("address", ["localhost:5920", "ftp://host", "host"])
def test_an_address_without_a_scheme(address: str) -> None:
    says(run_on(address), 2, f"GOCRON_ADDRESS={address!r} is not an address: write it as http://host:5920")


@pytest.mark.parametrize("address", ["http://", "http://[::1", "http://h:port"])
def test_an_address_that_cannot_be_asked(address: str) -> None:
    says(
        run_on(address),
        5,
        address.removeprefix("http://")[:1],
        "is not an address of gocron: write it as http://host:5920",
    )


def test_a_host_that_nobody_knows() -> None:
    says(
        run_on("http://nowhere.invalid:5920"),
        5,
        "http://nowhere.invalid:5920 cannot be reached",
        "check GOCRON_ADDRESS",
    )


def test_a_refused_connection() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    says(run_on(address), 5, f"gocron at {address} cannot be reached (Connection refused)", "check GOCRON_ADDRESS")


def test_an_address_with_a_password_in_it_is_shown_without() -> None:
    port = free_port()
    says(run_on(f"http://me:{SECRET}@127.0.0.1:{port}"), 5, f"gocron at http://127.0.0.1:{port} cannot be reached")


def test_a_web_server_that_is_not_gocron(site: str) -> None:
    says(run_on(site), 5, f"{site} answers, but is not gocron (HTTP 200): check GOCRON_ADDRESS")


def test_a_gocron_that_is_not_installed_yet(fake: FakeGoCron) -> None:
    fake.installed = False
    says(run_on(fake.address), 5, f"gocron at {fake.address} is not installed yet: open it in a browser")


def test_a_wrong_password(fake: FakeGoCron) -> None:
    done = run_on(fake.address, password=SECRET)
    says(done, 5, f"gocron at {fake.address} refused the login of user 'admin'", "check the user's name and password")
    assert fake.counts["POST /api/user/login"] == 1


def test_no_user(fake: FakeGoCron) -> None:
    done = run_on(fake.address, user="", password="")
    says(done, 5, fake.address, "set GOCRON_ADMIN_USER and GOCRON_ADMIN_PASSWORD")


def test_a_user_without_rights(fake: FakeGoCron) -> None:
    done = run_on(fake.address, PLAIN_USER, PLAIN_PASSWORD)
    says(done, 5, f"user 'plain' of gocron at {fake.address} may not save task 'J:t'", "use an administrator")


def test_no_node(fake: FakeGoCron) -> None:
    fake.core.hosts.clear()
    says(
        run_on(fake.address), 2, "gocron has no node to run commands on", "`pydag nodes add --name HOST --alias ALIAS`"
    )


def test_a_list_of_no_nodes_says_how_to_get_one(fake: FakeGoCron) -> None:
    fake.core.hosts.clear()
    done = pydag("nodes", GOCRON_ADDRESS=fake.address, GOCRON_ADMIN_USER=USER, GOCRON_ADMIN_PASSWORD=PASSWORD)
    line = "No nodes yet. `pydag nodes add --name HOST --alias ALIAS` registers one.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", line)


def test_a_command_that_is_too_long(fake: FakeGoCron) -> None:
    done = run_on(fake.address, command="x" * 257)
    says(done, 2, "task 't': the command has 257 characters", "gocron takes 256", "a script file on the node")
    assert fake.core.tasks == {}


def test_a_timeout_longer_than_gocrons(fake: FakeGoCron, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDAG_TASK_TIMEOUT", "86401")
    says(run_on(fake.address), 2, "PYDAG_TASK_TIMEOUT=86401 is more than gocron takes", "86400 seconds")


def test_a_word_that_run_new_does_not_know(fake: FakeGoCron, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDAG_RUN_NEW", "maybe")
    says(run_on(fake.address), 2, "PYDAG_RUN_NEW='maybe' is unknown: set it to one of yes, no, auto")


def test_a_gocron_out_of_reach_leaves_the_list_of_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pydag("run", flow("with Job('J') as job:\n    Task('t', 'true')\njob.run()\n")).returncode == 0
    address = f"http://127.0.0.1:{free_port()}"
    listed = pydag("list", GOCRON_ADDRESS=address, GOCRON_ADMIN_USER="admin", GOCRON_ADMIN_PASSWORD=SECRET)
    assert (listed.returncode, listed.stdout) == (0, "J\n")
    assert f"gocron at {address} cannot be reached" in listed.stderr
    assert listed.stderr.endswith("; jobs that are on gocron alone are left out\n")


# Redis.


def test_a_redis_that_refuses_the_connection() -> None:
    port = free_port()
    done = pydag("list", PYDAG_LOG_STORE_HOST="127.0.0.1", PYDAG_LOG_STORE_PORT=str(port))
    says(done, 4, f"the Redis server 127.0.0.1:{port} cannot be reached", "PYDAG_LOG_STORE_HOST")


@pytest.mark.redis
def test_a_wrong_redis_password() -> None:
    with redis_server("--requirepass", "another one") as server:
        where = {"PYDAG_LOG_STORE_HOST": "127.0.0.1", "PYDAG_LOG_STORE_PORT": str(server.port)}
        done = pydag("list", **where, PYDAG_LOG_STORE_PASSWORD=SECRET)
        says(done, 4, f"127.0.0.1:{server.port} wants another password", "set PYDAG_LOG_STORE_PASSWORD")
        says(pydag("list", **where), 4, "wants another password", "set PYDAG_LOG_STORE_PASSWORD")


@pytest.mark.redis
def test_a_redis_without_memory_stops_a_run_before_anything_runs(fake: FakeGoCron) -> None:
    with redis_server("--maxmemory", "1", "--maxmemory-policy", "noeviction") as server:
        file = flow("with Job('J') as job:\n    Task('t', 'touch ran')\njob.run()\n")
        where = {"PYDAG_LOG_STORE_HOST": "127.0.0.1", "PYDAG_LOG_STORE_PORT": str(server.port)}
        gocron = {"GOCRON_ADDRESS": fake.address, "GOCRON_ADMIN_USER": USER, "GOCRON_ADMIN_PASSWORD": PASSWORD}
        done = pydag("run", file, **where, **gocron)
        says(done, 4, f"127.0.0.1:{server.port} has no memory left", "maxmemory")
        assert fake.core.rows == {}


def test_a_port_that_is_not_a_number() -> None:
    done = pydag("list", PYDAG_LOG_STORE_HOST="h", PYDAG_LOG_STORE_PORT="many")
    says(done, 2, "PYDAG_LOG_STORE_PORT='many' is not a whole number from 0 to 65535: set it to one")


def test_a_url_that_is_not_of_redis() -> None:
    done = pydag("list", PYDAG_LOG_STORE_URL=f"http://:{SECRET}@h")
    says(done, 2, "PYDAG_LOG_STORE_URL='http:...' is not the address of a Redis server: write it as redis://host")
