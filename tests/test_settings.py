"""Settings: what the environment may say, and the message where it says nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydag import InvalidSetting
from pydag.settings import Settings

MIB = 1024 * 1024


def test_an_empty_environment_gives_the_documented_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Settings.load({}) == Settings(home=Path("/home/somebody/.pydag"), task_timeout=3600.0, output_limit=64 * MIB)


def test_a_variable_that_is_empty_counts_as_unset() -> None:
    names = ("PYDAG_HOME", "PYDAG_TASK_TIMEOUT", "PYDAG_OUTPUT_LIMIT")
    assert Settings.load(dict.fromkeys(names, "")) == Settings.load({})


def test_home_may_be_relative_or_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Settings.load({"PYDAG_HOME": "here"}).home == directory / "here"
    assert Settings.load({"PYDAG_HOME": "~/runs"}).home == Path("/home/somebody/runs")


def test_a_home_of_nobody_is_refused() -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.load({"PYDAG_HOME": "~nobody-of-that-name/runs"})
    assert str(caught.value) == (
        "PYDAG_HOME='~nobody-of-that-name/runs' leads to no home directory to keep the history in: "
        "set PYDAG_HOME to a directory of yours"
    )


@pytest.mark.parametrize(
    ("given", "seconds"), [("1", 1), ("0.5", 0.5), ("1e3", 1000), (" 60 ", 60), ("31536000", 31536000)]
)
def test_a_timeout_is_read_in_seconds(given: str, seconds: float) -> None:
    assert Settings.load({"PYDAG_TASK_TIMEOUT": given}).task_timeout == seconds


@pytest.mark.parametrize("given", ["ten", "0", "-1", "nan", "inf", "1h", "31536001", " "])
def test_a_wrong_timeout_is_refused(given: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.load({"PYDAG_TASK_TIMEOUT": given})
    assert str(caught.value) == (
        f"PYDAG_TASK_TIMEOUT={given!r} is not a number of seconds above 0 and up to a year: set it to one"
    )


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("10B", 10),
        ("2k", 2048),
        ("2 KiB", 2048),
        ("64MiB", 64 * MIB),
        ("1m", MIB),
        (" 3G ", 3072 * MIB),
        ("1gib", 1024 * MIB),
    ],
)
def test_a_limit_is_read_in_bytes_or_with_a_unit(given: str, size: int) -> None:
    assert Settings.load({"PYDAG_OUTPUT_LIMIT": given}).output_limit == size


@pytest.mark.parametrize("given", ["lots", "-1", "1.5M", "1TB", "MiB", "1KK", "1 0", "²", " ", "1MB"])
def test_a_wrong_limit_is_refused(given: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.load({"PYDAG_OUTPUT_LIMIT": given})
    assert str(caught.value) == (
        f"PYDAG_OUTPUT_LIMIT={given!r} is not a size: set it to a number of bytes, or one such as 64MiB"
    )
