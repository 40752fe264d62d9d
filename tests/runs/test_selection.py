"""Selection: what `--only`, `--from` and `--until` leave out, alone and together."""

from __future__ import annotations

import pytest

from pydag import InvalidSetting, NotFound
from pydag.model.actions import Shell
from pydag.model.spec import JobSpec, TaskSpec
from pydag.runs.selection import ALL, Selection

# extract a, extract b -> join -> report, mail
EDGES: dict[str, tuple[int, ...]] = {"extract a": (), "extract b": (), "join": (0, 1), "report": (2,), "mail": (2,)}
SPEC = JobSpec(name="etl", tasks=tuple(TaskSpec(name, Shell("true"), upstream) for name, upstream in EDGES.items()))


def selected(selection: Selection, spec: JobSpec = SPEC) -> list[str]:
    out = selection.left_out(spec)
    return [task.name for number, task in enumerate(spec.tasks) if number not in out]


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (ALL, ["extract a", "extract b", "join", "report", "mail"]),
        (Selection(only=["join"]), ["join"]),
        (Selection(only=["join", "mail"]), ["join", "mail"]),
        (Selection(only=["ext*"]), ["extract a", "extract b"]),
        (Selection(only=["extract ?", "m*"]), ["extract a", "extract b", "mail"]),
        (Selection(start=["join"]), ["join", "report", "mail"]),
        (Selection(start=["report", "mail"]), ["report", "mail"]),
        (Selection(until=["join"]), ["extract a", "extract b", "join"]),
        (Selection(until=["extract*"]), ["extract a", "extract b"]),
        (Selection(start=["extract a"], until=["report"]), ["extract a", "join", "report"]),
        (Selection(only=["*r*"], start=["join"]), ["report"]),
    ],
)
def test_what_is_selected(selection: Selection, names: list[str]) -> None:
    assert selected(selection) == names


def test_a_name_with_signs_of_a_pattern_is_a_name_first() -> None:
    tasks = tuple(TaskSpec(name, Shell("true")) for name in ("load*", "load all", "x[1]"))
    spec = JobSpec(name="J", tasks=tasks)
    assert selected(Selection(only=["load*"]), spec) == ["load*"]
    assert selected(Selection(only=["x[1]"]), spec) == ["x[1]"]
    assert selected(Selection(only=["l*"]), spec) == ["load*", "load all"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("joni", "'etl' has no task 'joni'; did you mean 'join'?"),
        ("Join", "'etl' has no task 'Join'; did you mean 'join'?"),
        ("zzz", "'etl' has no task 'zzz': it has 'extract a', 'extract b', 'join', 'report', 'mail'"),
        ("extrat*", "no task of 'etl' matches 'extrat*'; did you mean 'extract a'?"),
        ("*zzz*", "no task of 'etl' matches '*zzz*': it has 'extract a', 'extract b', 'join', 'report', 'mail'"),
    ],
)
def test_what_matches_nothing_is_an_error_with_near_names(name: str, message: str) -> None:
    for selection in (Selection(only=["join", name]), Selection(start=[name]), Selection(until=[name])):
        with pytest.raises(NotFound) as caught:
            selection.left_out(SPEC)
        assert str(caught.value) == message


def test_a_selection_of_nothing_is_an_error() -> None:
    with pytest.raises(InvalidSetting, match=r"^--only, --from and --until together leave no task of 'etl': a task"):
        Selection(start=["report"], until=["join"]).left_out(SPEC)


def test_a_chain_of_any_length_is_walked() -> None:
    tasks = tuple(TaskSpec(f"t{n}", Shell("true"), (n - 1,) if n else ()) for n in range(20_000))
    spec = JobSpec(name="J", tasks=tasks)
    assert Selection(start=["t19999"]).left_out(spec) == list(range(19_999))
    assert Selection(until=["t19999"]).left_out(spec) == []
