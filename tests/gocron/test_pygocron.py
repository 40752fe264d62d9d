"""What pygocron does that pydag's client, which derives from it, does otherwise."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from pygocron.pygocron import PyGoCron, PyGocronException, RunStatus

from pydag.gocron.client import GoCronClient
from tests.support.fake_gocron import FakeGoCron
from tests.support.gocron_targets import Lab


# Fact 5.
def test_pygocron_finds_no_row_behind_the_newest_hundred(gocron: GoCronClient, fake: FakeGoCron) -> None:
    lab = Lab(gocron, fake)
    task_id = lab.create()
    rows = [fake.add_foreign_row(task_id, "") for _ in range(101)]
    found = [lab.pygocron().check_run_status(task_id, row) for row in rows[:2]]
    assert found == [None, RunStatus.SUCCESS]


# Fact 10.
def test_pygocron_sends_the_password_in_the_url_waits_for_ever_and_sleeps(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    node_id, original = lab.nodes()[0].id, lab.original
    send = requests.Session.send
    urls: list[str] = []
    timeouts: set[object] = set()
    pauses: list[float] = []

    def recorded(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        urls.append(unquote(request.url or ""))
        timeouts.add(options["timeout"])
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", recorded)
    monkeypatch.setattr("pygocron.pygocron.time", SimpleNamespace(sleep=pauses.append))
    if original:
        manager = PyGoCron(lab.address, lab.user, lab.password)
        manager.run_task(manager.create_task(lab.name(), "", "true", tag=lab.prefix, level=2, host_id=node_id))
        assert pauses == [1, 1]
    else:
        with pytest.raises(PyGocronException):
            PyGoCron(lab.address, lab.user, lab.password)
    assert lab.password in urls[0]
    assert timeouts == {None}
