"""Settings: what the environment may say, and the message where it says something wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pydag import InvalidSetting
from pydag.settings import GoCronSettings, Keep, RedisSettings, RunNew, Settings

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
        "PYDAG_HOME='~nobody-of-that-name/runs' names an unknown user: set PYDAG_HOME to a directory of yours"
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


@pytest.mark.parametrize("variable", ["PYDAG_OUTPUT_LIMIT", "PYDAG_LOG_STORE_PORT", "PYDAG_TASK_TIMEOUT"])
def test_a_number_of_thousands_of_digits_is_refused_and_cut(variable: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"^{variable}='9{{79}}\.\.\. is not a "):
        Settings.load({"PYDAG_LOG_STORE_HOST": "redis", variable: "9" * 5000})


@pytest.mark.parametrize(("given", "strict"), [("yes", True), ("no", False), ("NO", False), ("", True)])
def test_commands_are_strict_unless_the_environment_says_no(given: str, strict: bool) -> None:
    assert Settings.load({"PYDAG_STRICT": given}).strict is strict


@pytest.mark.parametrize(("given", "shown"), [("1", True), ("0", False), ("", False)])
def test_output_is_shown_where_the_environment_asks_for_it(given: str, shown: bool) -> None:
    assert Settings.load({"PYDAG_SHOW_OUTPUT": given}).show_output is shown


@pytest.mark.parametrize(
    ("variable", "known"),
    [("PYDAG_STRICT", "yes, no"), ("PYDAG_RUN_NEW", "yes, no, auto"), ("PYDAG_SHOW_OUTPUT", "1, 0")],
)
def test_an_unknown_word_is_refused_with_those_that_are_known(variable: str, known: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.load({variable: "maybe"})
    assert str(caught.value) == f"{variable}='maybe' is unknown: set it to one of {known}"


def test_gocron_and_redis_are_named_by_their_variables() -> None:
    settings = Settings.load(
        {
            "GOCRON_ADDRESS": "https://gocron:5920",
            "GOCRON_ADMIN_USER": "admin",
            "GOCRON_ADMIN_PASSWORD": "first secret",
            "PYDAG_RUN_NEW": "Auto",
            "PYDAG_ROUNDS_TIME": "2.5",
            "PYDAG_LOG_STORE_HOST": "redis",
            "PYDAG_LOG_STORE_PASSWORD": "second secret",
            "PYDAG_LOG_STORE_PORT": "6380",
            "PYDAG_LOG_STORE_DATABASE": "5",
            "PYDAG_LOG_PREFIX": "Mine",
        }
    )
    assert settings.rounds_time == 2.5
    assert settings.gocron == GoCronSettings(
        address="https://gocron:5920", user="admin", password="first secret", run_new=RunNew.AUTO
    )
    assert settings.redis == RedisSettings(host="redis", port=6380, database=5, password="second secret", prefix="Mine")
    assert "secret" not in repr(settings)


def test_without_them_jobs_run_here_and_the_history_is_embedded() -> None:
    settings = Settings.load({"PYDAG_LOG_STORE_PASSWORD": "alone it names no server"})
    assert (settings.gocron, settings.redis, settings.rounds_time) == (GoCronSettings(), None, 10.0)
    assert settings.gocron.run_new is RunNew.YES


@pytest.mark.parametrize(
    ("variable", "given", "largest"),
    [("PYDAG_LOG_STORE_PORT", "65536", 65535), ("PYDAG_LOG_STORE_DATABASE", "-1", 1_000_000)],
)
def test_a_number_out_of_its_range_is_refused(variable: str, given: str, largest: int) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.load({"PYDAG_LOG_STORE_HOST": "redis", variable: given})
    assert str(caught.value) == f"{variable}={given!r} is not a whole number from 0 to {largest}: set it to one"


@pytest.mark.parametrize(
    ("given", "keep"),
    [
        ("200 runs", Keep(runs=200)),
        ("1 run", Keep(runs=1)),
        ("90d", Keep(age=timedelta(days=90))),
        (" 200 runs , 8w", Keep(runs=200, age=timedelta(weeks=8))),
        ("1y,3runs", Keep(runs=3, age=timedelta(days=365))),
        ("12 H", Keep(age=timedelta(hours=12))),
        ("", None),
    ],
)
def test_what_stays_of_a_history(given: str, keep: Keep | None) -> None:
    assert Settings.load({"PYDAG_KEEP": given}).keep == keep


@pytest.mark.parametrize("given", ["200", "0 runs", "0d", "90 days", "1 run, 2 runs", "1d,1h", ",", "-1d", "\u0663d"])
def test_a_wrong_limit_of_a_history_is_refused(given: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.load({"PYDAG_KEEP": given})
    assert str(caught.value) == (
        f"PYDAG_KEEP={given!r} says nothing that pydag knows: write it as '200 runs', '90d' (h, d, w, y), "
        "or both with a comma between them"
    )
