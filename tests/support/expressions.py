"""Random cron expressions, each with what it matches by construction; zones whose clocks change in different ways."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st

from pydag.errors import InvalidSetting
from pydag.schedule.expression import CronExpression

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # shifts by half an hour
HAVANA = ZoneInfo("America/Havana")  # shifts at midnight
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY_MINUTES = 1440
QUICK = settings(max_examples=60, deadline=None)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True)
class Expression:
    fields: tuple[str, ...]
    matches: tuple[frozenset[int], ...]

    @property
    def text(self) -> str:
        return " ".join(self.fields)

    @property
    def fixed(self) -> bool:
        return not self.fields[0].startswith("*") and not self.fields[1].startswith("*")

    def due_on(self, day: datetime) -> bool:
        _, _, days, months, weekdays = self.matches
        by_date, by_weekday = day.day in days, day.isoweekday() % 7 in {n % 7 for n in weekdays}
        both = self.fields[2].startswith("*") or self.fields[4].startswith("*")
        return day.month in months and (by_date and by_weekday if both else by_date or by_weekday)


@st.composite
def terms(draw: st.DrawFn, low: int, high: int, names: tuple[str, ...] = ()) -> tuple[str, frozenset[int]]:
    def written(number: int) -> str:
        if number - low < len(names) and draw(st.booleans()):
            return draw(st.sampled_from([names[number - low], names[number - low].upper()]))
        return str(number)

    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    step = draw(st.integers(1, high + 2))
    kind = draw(st.sampled_from(["number", "range", "range/step", "*/step", "*"]))
    if kind == "number":
        return written(first), frozenset({first})
    if kind == "range":
        return f"{written(first)}-{written(last)}", frozenset(range(first, last + 1))
    if kind == "range/step":
        # cronsim takes 3-3/2 for 3/2; cron does not
        first, last = min(first, high - 1), max(first + 1, last)
        text = f"{written(first)}-{written(min(last, high))}/{step}"
        return text, frozenset(range(first, min(last, high) + 1, step))
    if kind == "*/step":
        return f"*/{step}", frozenset(range(low, high + 1, step))
    return "*", frozenset(range(low, high + 1))


def lists(
    low: int, high: int, names: tuple[str, ...] = (), size: int = 3
) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    some = st.lists(terms(low, high, names), min_size=1, max_size=size)
    return some.map(
        lambda parts: (
            ",".join(text for text, _ in parts),
            frozenset().union(*(n for _, n in parts)),
        )
    )


def sparse(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    few = st.lists(st.integers(low, high), min_size=1, max_size=3).map(
        lambda numbers: (",".join(map(str, numbers)), frozenset(numbers))
    )
    return few | st.sampled_from([20, 30]).map(lambda step: (f"*/{step}", frozenset(range(low, high + 1, step))))


def expressions(
    minutes: st.SearchStrategy[tuple[str, frozenset[int]]] | None = None,
) -> st.SearchStrategy[Expression]:
    fields = st.tuples(
        lists(0, 59) if minutes is None else minutes,
        lists(0, 23),
        lists(1, 31) | st.just(("*", frozenset(range(1, 32)))),
        lists(1, 12, MONTHS) | st.just(("*", frozenset(range(1, 13)))),
        lists(0, 7, WEEKDAYS) | st.just(("*", frozenset(range(8)))),
    )
    return fields.map(lambda parts: Expression(tuple(text for text, _ in parts), tuple(n for _, n in parts)))


def parsed(expression: Expression) -> CronExpression | None:
    """The parsed expression, or None where it never fires."""
    try:
        return CronExpression.parse(expression.text)
    except InvalidSetting as refused:
        assert "never fires" in str(refused)  # noqa: PT017 - any other refusal is a failure
        return None
