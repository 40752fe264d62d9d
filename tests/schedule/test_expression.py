"""What an expression may be: every refusal with its reason, and what gocron is given."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydag.errors import InvalidSetting
from pydag.schedule.expression import GOCRON_LENGTH, CronExpression

# What is no expression


def test_blanks_are_made_one_and_the_rest_of_the_text_is_kept() -> None:
    assert CronExpression.parse("  0\t 6 * *   MON-Fri ").text == "0 6 * * MON-Fri"


def test_a_schedule_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        CronExpression.parse("@daily").text = ""  # type: ignore[misc]  # that is the claim


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "five fields are needed, not 0: minute, hour, day of month, month, weekday"),
        ("* * * *", "five fields are needed, not 4"),
        ("* * * * * * *", "five fields are needed, not 7"),
        ("0 0 0 * * *", "cron takes five fields, without seconds: leave out the first"),
        ("@reboot", "the start of the machine is not a time: give five fields or one of @hourly"),
        ("@Daily", "there is no such name: give five fields or one of @hourly"),
        ("@every 1h", "there is no such name: give five fields or one of @hourly"),
        ("60 * * * *", "minute '60' is unknown: give 0 to 59"),
        ("* 24 * * *", "hour '24' is unknown: give 0 to 23"),
        ("* * 0 * *", "day of month '0' is unknown: give 1 to 31"),
        ("* * * 13 *", "month '13' is unknown: give 1 to 12 or jan to dec"),
        ("* * * * 8", "weekday '8' is unknown: give 0 to 7 or sun to sat"),
        ("* * * mon *", "month 'mon' is unknown: give 1 to 12 or jan to dec"),
        ("* * * * fri-sun", "weekday 'fri-sun' runs backwards: give the two parts as a list"),
        ("5/10 * * * *", "minute '5/10' has a step without a range: give 5-59/10"),
        ("*/0 * * * *", "minute '*/0' has a step of 0: give 1 or more"),
        ("1,,2 * * * *", "minute '' cannot be read: give 0 to 59, such as 0, * or */2"),
        ("*-5 * * * *", "minute '*-5' cannot be read"),
        ("-1 * * * *", "minute '-1' cannot be read"),
        ("0 0 ? * *", "day of month '?' cannot be read"),
        ("0 0 L * *", "day of month 'l' cannot be read"),
        ("0 0 * * 1#2", "weekday '1#2' cannot be read"),
        ("٣ * * * *", "minute '٣' cannot be read"),
        ("99999 * * * *", "minute '99999' cannot be read"),
    ],
)
def test_what_is_no_expression_is_refused_in_one_line_with_the_next_step(text: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        CronExpression.parse(text)
    assert message in str(refused.value)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 */2", "* * 31 2 */3"])
def test_an_expression_that_never_fires_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        CronExpression.parse(text)
    assert str(refused.value) == (
        f"the cron expression {text!r} never fires: none of its months has one of its days; change the day or the month"
    )


@given(text=st.text(max_size=200) | st.text("*/-,0123456789 @?\n", max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for read in (CronExpression.parse, CronExpression.for_gocron):
        try:
            read(text)
        except InvalidSetting as refused:
            assert "\n" not in str(refused)  # noqa: PT017 - most texts are refused, some are not


# gocron's six fields


@pytest.mark.parametrize(
    ("text", "six"),
    [
        ("0 0 * * *", "0 0 0 * * *"),
        ("@hourly", "0 0 * * * *"),
        ("0 6 * * MON-Fri", "0 0 6 * * mon-fri"),
        ("0 6 * * 7", "0 0 6 * * 0"),
        ("0 6 * * 5-7", "0 0 6 * * 5,6,0"),
        ("0 6 1,*/10 * 1", "0 0 6 1,1-31/10 * 1"),
        ("*/5 30 6 ? * MON", "*/5 30 6 ? * mon"),
        ("5/20 0 0 1 1 *", "5/20 0 0 1 1 *"),
    ],
)
def test_gocron_gets_six_fields(text: str, six: str) -> None:
    assert CronExpression.for_gocron(text).text == six


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 0 * * 7", "weekday '7' is unknown: give 0 to 6 or sun to sat"),
        ("60 0 0 * * *", "second '60' is unknown: give 0 to 59"),
        ("*/0 * * * * *", "second '*/0' has a step of 0: give 1 or more"),  # gocron would hang
        ("0 0 0 31 2 ?", "never fires"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 29 2 */7", "gocron looks five years ahead and then gives up"),
        ("0 0 1,27,29 1 */7", "gocron looks five years ahead and then gives up"),
        (f"{','.join(map(str, range(30)))} * * * *", f"keeps {GOCRON_LENGTH} characters of 89"),
        ("@every 1h", "there is no such name"),
        ("* * * *", "five fields are needed, not 4"),
    ],
)
def test_what_gocron_cannot_run_as_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        CronExpression.for_gocron(text)
    assert message in str(refused.value)
