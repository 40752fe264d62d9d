from __future__ import annotations

import pytest

from pydag.model.states import State
from pydag.view.live.groups import Groups
from tests.support.samples import job


def groups_of(names: list[str]) -> Groups:
    return Groups(job("J", {name: [] for name in names}), [State.PENDING] * len(names))


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["part 1", "part 2", "part 10"], "part"),
        (["load_01.csv", "load_02.csv", "load_03.csv"], "load_*.csv"),
        (["day 1 of 3", "day 2 of 3", "day 3 of 3"], "day * of *"),
        (["1", "2", "3"], "*"),
        (["t\x1b[2J1", "t\x1b[2J2", "t\x1b[2J3"], "t*"),
    ],
)
def test_names_that_differ_by_their_numbers_are_a_group(names: list[str], title: str) -> None:
    (group,) = groups_of(names).all
    assert (group.name, group.size) == (title, 3)


def test_fewer_than_three_are_none() -> None:
    groups = groups_of(["part 1", "x", "part 2", "y 1", "y 2", "y 3"])
    assert [group.name for group in groups.all] == ["y"]
    assert groups.singles == [0, 1, 2]
    assert groups.of(0) is None
    assert groups.of(4) is groups.all[0]
