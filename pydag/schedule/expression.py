"""Cron expressions: check them, say what they match, write them the way gocron reads them.

The rules are those of Debian's cron(8). When an expression fires in a zone is in `pydag.schedule.fire_times`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from pydag.errors import InvalidSetting, shown

NICKNAMES: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
GOCRON_LENGTH = 64  # what gocron's database keeps of an expression
_GOCRON_YEARS = 5

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LAST_DAY = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"([*?]|[0-9]{1,4}|[a-z]{3})(?:-([0-9]{1,4}|[a-z]{3}))?(?:/([0-9]{1,4}))?")

_DAY = timedelta(days=1)


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    gocron: bool = False  # `?` means `*`, and `N/step` goes on to the end


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY_OF_MONTH = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("weekday", 0, 7, _WEEKDAYS)

_CRON = (_MINUTE, _HOUR, _DAY_OF_MONTH, _MONTH, _WEEKDAY)
_GOCRON = tuple(field._replace(gocron=True) for field in (_SECOND, *_CRON[:-1], _WEEKDAY._replace(high=6)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CronExpression:
    """A checked expression that fires at some time. Make one with `parse` or `for_gocron`.

    `text` is what cron or gocron is given. `fixed` is false where the minute or the hour starts with `*`, and for
    gocron. cron makes up for a fixed time that the clock skips, and does not repeat one in an hour that comes twice;
    what is not fixed runs whenever the wall clock says so.
    """

    text: str
    fixed: bool
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    either_day: bool  # a day is due when its date or its weekday fits; else both must

    @classmethod
    def parse(cls, text: str) -> CronExpression:
        """Read five fields, or a name such as `@daily`, as Debian's cron does.

        Raises `InvalidSetting` for what cron would refuse, would never run, or would read in an unexpected way.
        """
        fields = _five(text)
        values = [_numbers(field, part, text) for field, part in zip(_CRON, fields, strict=True)]
        given = " ".join(text.split())
        starred = [part.startswith("*") for part in fields]
        expression = _expression(given, [{0}, *values], either_day=not (starred[2] or starred[4]))
        return replace(expression, fixed=not (starred[0] or starred[1]))

    @classmethod
    def for_gocron(cls, text: str) -> CronExpression:
        """Read six fields, seconds first, as gocron does. Five fields, and names such as `@daily`, become six.

        gocron has no rule for fixed times: one that the clock skips does not run. What it does in an hour that comes
        twice is not reliable. Raises `InvalidSetting` for what gocron would refuse, hang on, cut off or never run.
        """
        parts = text.lower().split()
        if len(parts) != len(_GOCRON):
            cls.parse(text)
            parts = _translated(_five(text))
        values = [_numbers(field, part, text) for field, part in zip(_GOCRON, parts, strict=True)]
        starred = any(term[0] in "*?" for part in (parts[3], parts[5]) for term in part.split(","))
        expression = _expression(" ".join(parts), values, either_day=not starred)
        if len(expression.text) > GOCRON_LENGTH:
            size = f"gocron keeps {GOCRON_LENGTH} characters of {len(expression.text)}"
            raise _refusal(text, f"{size}: use ranges in place of lists")
        if starred and expression._longest_pause() > _GOCRON_YEARS:
            raise _refusal(text, "gocron looks five years ahead and then gives up: drop the weekday")
        return expression

    def matching(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """What a wall clock without shifts shows when it fires, from `begin` on and before `end`. No zones."""
        day = begin.date()
        while day <= end.date():
            for hour in self.hours if self._due_on(day) else ():
                if datetime.combine(day, time(hour, 59, 59)) < begin:
                    continue
                for minute in self.minutes:
                    for second in self.seconds:
                        wall = datetime.combine(day, time(hour, minute, second))
                        if wall >= end:
                            return
                        if wall >= begin:
                            yield wall
            day += _DAY

    def _due_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_date or by_weekday) if self.either_day else (by_date and by_weekday)

    def _dates(self) -> set[tuple[int, int]]:
        """The pairs of a month and a day that match and exist in some year."""
        return {(month, day) for month in self.months for day in self.days if day <= _LAST_DAY[month - 1]}

    def _longest_pause(self) -> int:
        """The most years between two years in which it fires. Until 2100 the calendar repeats every 28 years."""
        years = [
            year
            for year in range(2000, 2060)
            if any(self._due_on(date(year, *day)) for day in self._dates() if _exists(year, *day))
        ]
        return max(later - earlier for earlier, later in pairwise(years))


def _five(text: str) -> list[str]:
    """The five fields in lower case. Raises `InvalidSetting` where there are not five."""
    expression = text.strip()
    known = f"one of {', '.join(NICKNAMES)}"
    if expression in NICKNAMES:
        return NICKNAMES[expression].split()
    if expression == "@reboot":
        raise _refusal(text, f"the start of the machine is not a time: give five fields or {known}")
    if expression.startswith("@"):
        raise _refusal(text, f"there is no such name: give five fields or {known}")
    fields = expression.lower().split()
    if len(fields) == len(_GOCRON):
        raise _refusal(text, "cron takes five fields, without seconds: leave out the first")
    if len(fields) != len(_CRON):
        order = ", ".join(field.name for field in _CRON)
        raise _refusal(text, f"five fields are needed, not {len(fields)}: {order}; or {known}")
    return fields


def _expression(text: str, values: list[set[int]], *, either_day: bool) -> CronExpression:
    seconds, minutes, hours, days, months, weekdays = values
    expression = CronExpression(
        text=text,
        fixed=False,
        seconds=tuple(sorted(seconds)),
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=either_day,
    )
    if not either_day and not expression._dates():
        raise InvalidSetting(
            f"the cron expression {shown(text)} never fires: "
            "none of its months has one of its days; change the day or the month"
        )
    return expression


def _numbers(field: _Field, part: str, text: str) -> set[int]:
    """What one field of the expression `text` matches."""
    return {number for term in part.split(",") for number in _term(field, term, text)}


def _term(field: _Field, term: str, text: str) -> range:
    match = _TERM.fullmatch(term)
    if match is None or (match[2] and match[1] in "*?") or (match[1] == "?" and not field.gocron):
        example = f"{_span(field)}, such as {field.low}, * or */2"
        raise _refusal(text, f"{field.name} {shown(term)} cannot be read: give {example}")
    first, last, step = match.groups()
    if step and not int(step):
        raise _refusal(text, f"{field.name} {term!r} has a step of 0: give 1 or more")
    if first in "*?":
        return range(field.low, field.high + 1, int(step or 1))
    low = _number(field, first, text)
    high = _number(field, last, text) if last else low
    if step and not last:
        if not field.gocron:
            whole = f"{first}-{field.high}/{step}"
            raise _refusal(text, f"{field.name} {term!r} has a step without a range: give {whole}")
        high = field.high
    if low > high:
        # cron accepts it and never runs it
        raise _refusal(text, f"{field.name} {term!r} runs backwards: give the two parts as a list")
    return range(low, high + 1, int(step or 1))


def _number(field: _Field, word: str, text: str) -> int:
    if word in field.names:
        return field.low + field.names.index(word)
    if not word.isdigit() or not field.low <= int(word) <= field.high:
        raise _refusal(text, f"{field.name} {word!r} is unknown: give {_span(field)}")
    return int(word)


def _translated(fields: list[str]) -> list[str]:
    """Five checked fields as gocron's six, which match the same days."""
    minute, hour, day, month, weekday = fields
    if not day.startswith("*") and not weekday.startswith("*"):
        # A `*` anywhere in a list makes gocron require both days; cron looks only at the start.
        day, weekday = day.replace("*", "1-31"), weekday.replace("*", "0-6")
    weekday = ",".join(_without_seven(term) for term in weekday.split(","))
    return ["0", minute, hour, day, month, weekday]


def _without_seven(term: str) -> str:
    """A term of the weekday field for gocron, which knows Sunday only as 0."""
    if "7" not in term.partition("/")[0]:
        return term
    return ",".join(str(day % 7) for day in _term(_WEEKDAY, term, term))


def _span(field: _Field) -> str:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return f"{field.low} to {field.high}{names}"


def _refusal(text: str, why: str) -> InvalidSetting:
    return InvalidSetting(f"the cron expression {shown(text)} cannot be used: {why}")


def _exists(year: int, month: int, day: int) -> bool:
    return day <= monthrange(year, month)[1]
