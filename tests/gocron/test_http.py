"""What the client promises of logins, errors and connections. On the stand-in, and without one."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from pydag.errors import EngineError, EngineRefused, EngineUnreachable
from pydag.gocron.client import GoCronClient
from pydag.gocron.forms import TaskForm
from pydag.gocron.http import READ_PAUSES, GoCronHttp, NoAnswer, TooLarge
from pydag.gocron.records import Dialect
from pydag.gocron.session import Session
from tests.support.fake_gocron import PASSWORD, PLAIN_PASSWORD, PLAIN_USER, USER, FakeGoCron, Fault
from tests.support.gocron_targets import Lab, in_threads

LOGIN = "POST /api/user/login"


def test_the_password_is_in_no_url_no_message_and_no_repr(gocron: GoCronClient, fake: FakeGoCron) -> None:
    gocron.store_task(TaskForm(name="job:a", command="true", node_ids=(1,)))
    fake.expire_tokens()
    gocron.hosts()
    assert fake.counts[LOGIN] == 2
    assert [line for line in fake.requests if PASSWORD in line] == []
    fake.fail(Fault.HTTP_500, times=9)
    with pytest.raises(NoAnswer) as caught:
        gocron.hosts()
    assert PASSWORD not in f"{caught.value!r} {gocron!r} {GoCronHttp(fake.address, USER, PASSWORD)!r}"
    held = GoCronClient(fake.address.replace("//", f"//{USER}:{PASSWORD}@"), USER, PASSWORD)
    assert PASSWORD not in repr(held)


def test_a_wrong_password_is_tried_once_however_many_threads_ask(fake: FakeGoCron) -> None:
    with GoCronClient(fake.address, USER, "wrong-password") as gocron:
        errors = in_threads(8, gocron.hosts)
        errors += in_threads(8, gocron.running)
    assert {type(error) for error in errors} == {EngineRefused}
    assert {"admin" in str(e) and "wrong-password" not in str(e) for e in errors} == {True}
    assert fake.counts[LOGIN] == 1


def test_a_login_without_an_answer_is_shared_by_the_threads_that_wait_for_it(
    fake: FakeGoCron,
) -> None:
    fake.slow = 0.3
    fake.fail(Fault.CUT, "/api/user/login")
    with GoCronClient(fake.address, USER, PASSWORD) as gocron:
        errors = in_threads(4, lambda: gocron.run_task(1))
    assert [isinstance(e, NoAnswer) and not e.sent for e in errors] == [True] * 4
    assert fake.counts[LOGIN] == 1


def test_a_token_that_is_refused_right_after_the_login_is_an_error(gocron: GoCronClient, fake: FakeGoCron) -> None:
    fake.token_life = -1
    with pytest.raises(EngineRefused, match="does not accept the login"):
        gocron.hosts()
    assert fake.counts[LOGIN] == 2


def test_a_login_of_pygocrons_that_expires_is_renewed_where_a_password_is_known(
    gocron: GoCronClient, fake: FakeGoCron
) -> None:
    manager = Lab(gocron, fake).pygocron()
    fake.expire_tokens()
    with GoCronClient.from_pygocron(manager) as client, pytest.raises(EngineRefused, match="GOCRON_ADMIN"):
        client.hosts()
    with GoCronClient.from_pygocron(manager, user=USER, password=PASSWORD) as client:
        assert len(client.hosts()) == 2


def test_each_thread_keeps_one_connection(gocron: GoCronClient, fake: FakeGoCron) -> None:
    in_threads(3, lambda: [gocron.hosts() for _ in range(4)])
    assert fake.connections == 3
    gocron.close()
    assert len(gocron.hosts()) == 2


def test_a_user_without_rights_gets_an_error_that_names_the_operation(fake: FakeGoCron) -> None:
    with GoCronClient(fake.address, PLAIN_USER, PLAIN_PASSWORD) as gocron:
        assert gocron.tasks() == []
        assert gocron.dialect() is Dialect(fake.core.dialect)
        with pytest.raises(EngineRefused, match=r"'plain' .* may not run task 7 .*administrator"):
            gocron.run_task(7)


def test_a_dialect_that_could_not_be_read_is_not_guessed(fake: FakeGoCron) -> None:
    with GoCronClient(fake.address, USER, "wrong") as gocron, pytest.raises(EngineRefused):
        gocron.dialect()
    fake.installed = False
    with GoCronClient(fake.address, USER, PASSWORD) as gocron:
        with pytest.raises(EngineUnreachable):
            gocron.dialect()
        fake.installed = True
        assert gocron.dialect() is Dialect(fake.core.dialect)


def test_a_gocron_that_is_not_installed_is_reported(gocron: GoCronClient, fake: FakeGoCron) -> None:
    fake.installed = False
    with pytest.raises(EngineUnreachable, match="not installed yet"):
        gocron.hosts()


def test_an_answer_that_comes_too_late_is_no_answer(fake: FakeGoCron) -> None:
    with GoCronClient(fake.address, USER, PASSWORD, timeout=1) as gocron:
        gocron.login()
        fake.slow = 3.0
        with pytest.raises(NoAnswer, match=r"did not answer in 1 s") as caught:
            gocron.run_task(1)
        assert caught.value.sent


@pytest.mark.parametrize(
    ("kind", "times"),
    [(requests.ConnectTimeout, 1), (requests.ReadTimeout, 1), (requests.ConnectionError, 1 + len(READ_PAUSES))],
)
def test_a_read_is_tried_again_unless_its_time_is_over(
    kind: type[requests.RequestException], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def broken(*_: object, **__: object) -> None:
        tries.append(1)
        raise kind("no answer")

    monkeypatch.setattr(Session, "request", broken)
    monkeypatch.setattr("pydag.gocron.http.READ_PAUSES", (0.0,) * len(READ_PAUSES))
    with pytest.raises(NoAnswer):
        GoCronClient("http://gocron:5920", "user", "secret").hosts()
    assert len(tries) == times


def test_an_answer_that_drips_is_no_answer_after_its_whole_time() -> None:
    """Each piece comes in time, and the whole does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_drip, args=(listener,))
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with GoCronClient(address, "u", "secret", timeout=0.5) as gocron, pytest.raises(NoAnswer) as caught:
            gocron.login()
        thread.join()
    assert caught.value.timed_out


def _drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            select.select([connection], [], [], 0.05)


def test_an_answer_over_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pydag.gocron.http.ANSWER_LIMIT", 1 << 20)
    with (
        web_server(200, b" " * (3 << 20)) as address,
        GoCronClient(address, "u", "secret") as gocron,
        pytest.raises(TooLarge, match="over 1 MiB"),
    ):
        gocron.login()


def test_a_login_that_is_given_and_not_accepted_is_not_asked_for_again_and_again(
    gocron: GoCronClient, fake: FakeGoCron
) -> None:
    gocron.login()
    fake.fail(Fault.CODE_401, "/api/host", times=100)
    for _ in range(20):
        with pytest.raises(EngineRefused, match="does not accept the login"):
            gocron.hosts()
    assert fake.counts[LOGIN] == 2
    assert fake.fired[Fault.CODE_401] == 21


def test_a_login_that_ended_is_invisible(gocron: GoCronClient, fake: FakeGoCron) -> None:
    assert len(gocron.hosts()) == 2
    fake.expire_tokens()
    assert len(gocron.hosts()) == 2
    assert fake.counts[LOGIN] == 2


@contextlib.contextmanager
def web_server(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who has read enough hangs up
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b"[]"),
        (200, b'{"ok": true}'),
        (200, b'{"code": "0"}'),
        (404, b"not found"),
        (405, b""),
        (307, b""),
        (200, b"[" * 200_000),
        (200, b'{"code": ' + b"9" * 5000 + b"}"),
    ],
)
def test_a_web_server_that_is_not_gocron_is_reported_with_its_address(status: int, body: bytes) -> None:
    with web_server(status, body) as address, GoCronClient(address, "u", "secret") as gocron:
        with pytest.raises(EngineUnreachable, match="is not gocron") as caught:
            gocron.hosts()
        assert address in str(caught.value)


@pytest.mark.parametrize("address", ["", "nonsense", "ftp://x", "http://", "http://x:99999"])
def test_an_invalid_address_is_reported_with_an_example(address: str) -> None:
    with pytest.raises(EngineUnreachable, match=r"is not an address of gocron.*http://host:5920"):
        GoCronClient(address, "u", "secret").hosts()


def test_a_server_that_does_not_speak_http_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_greet, args=(listener,), daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EngineUnreachable, match="does not speak HTTP"):
            GoCronClient(address, "u", "secret").run_task(1)


def _greet(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"SSH-2.0-hello\r\n")
        connection.recv(65_536)


def test_a_refused_connection_names_the_address_and_was_not_sent() -> None:
    with pytest.raises(NoAnswer, match=r"http://127\.0\.0\.1:1 .*refused.*GOCRON_ADDRESS") as caught:
        GoCronClient("http://127.0.0.1:1", "u", "secret").run_task(1)
    assert not caught.value.sent


def kinds() -> list[type[requests.RequestException]]:
    found = vars(requests.exceptions).values()
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, requests.RequestException)]


@pytest.mark.parametrize("kind", kinds())
def test_every_error_of_requests_becomes_one_line_of_pydags_own(
    kind: type[requests.RequestException], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding = kind is requests.JSONDecodeError
    error = kind("secret", "\n", 0) if decoding else kind("secret\nhttp://u:secret@x/")

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Session, "request", broken)
    monkeypatch.setattr("pydag.gocron.http.READ_PAUSES", ())
    with pytest.raises(EngineError) as caught:
        GoCronClient("http://gocron:5920", "user", "secret").hosts()
    message = str(caught.value)
    assert "http://gocron:5920" in message
    assert "\n" not in message
    assert "secret" not in message
