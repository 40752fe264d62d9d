"""The session sends what requests would: through the same proxies, with the same login, and to nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from pydag.gocron.session import Session


class Recorder(ThreadingHTTPServer):
    """Answers every request with a redirect and a cookie, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lines: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_POST(self) -> None:
        self.server.lines.append(self.path)
        self.server.headers.append(dict(self.headers))
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(address: str, method: str = "GET", **fields: str | int) -> requests.Response:
    session = Session({"Accept-Language": "en"})
    query, form = (fields, None) if method == "GET" else (None, fields)
    try:
        for _ in range(2):
            answer = session.request(
                method, f"{address}/api", params=query, data=form, headers={"Auth-Token": "t"}, timeout=(5.0, 5.0)
            )
        return answer
    finally:
        session.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_sends_the_fields_and_headers_follows_no_redirect_and_keeps_no_cookie(
    recorder: Recorder, method: str
) -> None:
    answer = send(recorder.address, method, name="a b", number=1)
    assert (answer.status_code, answer.content) == (302, b"ok")
    assert recorder.lines == ["/api?name=a+b&number=1" if method == "GET" else "/api"] * 2
    assert recorder.bodies == ["" if method == "GET" else "name=a+b&number=1"] * 2
    for headers in recorder.headers:
        assert (headers["Auth-Token"], headers["Accept-Language"]) == ("t", "en")
        assert "Cookie" not in headers


def test_a_proxy_of_the_environment_is_used(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", recorder.address)
    send("http://gocron.invalid:5920")
    assert recorder.lines == ["http://gocron.invalid:5920/api"] * 2


def test_a_login_for_a_server_in_front_comes_from_the_address_or_from_netrc(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    send(recorder.address.replace("//", "//one:two@"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login three password four\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    send(recorder.address)
    logins = [headers["Authorization"] for headers in recorder.headers]
    assert logins == ["Basic b25lOnR3bw=="] * 2 + ["Basic dGhyZWU6Zm91cg=="] * 2
