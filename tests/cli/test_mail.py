"""The failure mail of docs/tasks.md, sent to a real SMTP server as it stands there."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from pydag.app import jobs as jobs_app
from pydag.app import run as run_app
from pydag.schedule.expression import CronExpression
from pydag.schedule.submission import Submission, Submissions
from pydag.workflow.loader import load_job
from tests.support.commands import flow, pydag
from tests.support.servers import free_port

pytestmark = pytest.mark.curl

DOCUMENT = Path(__file__).parents[2] / "docs" / "tasks.md"
FAILS = "seq 40; echo .; printf 'x%.0s' {1..1500}; echo; echo 'no route to Köln ✗'; exit 3"


class Mails:
    """What came in. aiosmtpd calls `handle_DATA`, in a thread of its own."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"

    def only(self) -> EmailMessage:
        (envelope,) = self.envelopes
        assert (envelope.mail_from, envelope.rcpt_tos) == ("me@example.org", ["me@example.org"])
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def mails(port: int) -> Iterator[Mails]:
    """An SMTP server."""
    mails = Mails()
    controller = Controller(mails, hostname="127.0.0.1", port=port)
    controller.start()
    yield mails
    controller.stop()


def workflow(port: int, command: str) -> str:
    """The document's example, with this command and a server at that port."""
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if "smtp://localhost" in block]
    assert len(re.search(r'r""".*?"""', block, re.DOTALL)[0].splitlines()) == 3  # type: ignore[index]  # no match fails the test
    text = block.replace("smtp://localhost", f"smtp://127.0.0.1:{port}").replace('"make report"', repr(command))
    assert text.count(repr(command)) == 1
    return flow(text)


@pytest.fixture(autouse=True)
def pydag_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def test_a_failed_run_sends_a_mail_that_says_what_failed_and_with_which_words(mails: Mails, port: int) -> None:
    done = pydag("run", workflow(port, FAILS))
    assert (done.returncode, done.stdout.count("on_failure")) == (1, 1)  # it started
    mail = mails.only()
    assert (mail["Subject"], mail["To"]) == ("Report failed", "me@example.org")
    lines = mail.get_content().splitlines()
    assert any(re.search(r"✗ `Report` .*, exit 3$", line) for line in lines)
    assert [line.lstrip("│ ") for line in lines if "│ " in line][-1] == "no route to Köln ✗"
    assert any(line.endswith("│ .") for line in lines)


def test_a_run_that_succeeds_sends_none(mails: Mails, port: int) -> None:
    assert pydag("run", workflow(port, "true")).returncode == 0
    assert mails.envelopes == []


def test_a_run_that_could_not_start_sends_a_mail_with_its_cause(mails: Mails, port: int, own_home: Path) -> None:
    job = load_job(workflow(port, "true"))
    run_app.submit_job(job)
    submission = Submission(
        job=job.name,
        file=str(Path("flow.py").absolute()),
        directory=str(Path.cwd()),
        expression=CronExpression.parse("* * * * *"),
        zone_name=None,
        catch_up=0,
        submitted=jobs_app.jobs()[0].saved,
        environ={"PATH": os.environ["PATH"]},
    )
    Submissions(own_home).save(submission)
    Path("flow.py").unlink()
    assert pydag("_scheduled", submission.id).returncode == 2
    mail = mails.only()
    assert mail["Subject"] == "Report failed"
    assert "never started: there is no file" in mail.get_content()


def test_without_a_server_the_run_says_that_the_mail_was_not_sent(port: int) -> None:
    done = pydag("run", workflow(port, "exit 3"))
    assert done.returncode == 1
    assert "`on_failure` of Report: exit 7; its output: pydag log Report --task-name on_failure -n 1" in done.stdout
    assert "Failed to connect" in pydag("log", "Report", "--task-name", "on_failure").stdout
