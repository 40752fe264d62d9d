"""What the tasks of a job are called on gocron."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydag.engines.gocron.names import tag_of, task_names
from pydag.gocron.forms import NAME_LIMIT, TAG_LIMIT
from tests.support.gocron_runs import job_of


def test_names_that_fit_are_job_colon_task() -> None:
    assert task_names(job_of("Sync Data", "Feature Engineering1", name="TestJob")) == [
        "TestJob:Sync Data",
        "TestJob:Feature Engineering1",
    ]
    assert tag_of("TestJob") == "TestJob"


def test_a_name_of_32_characters_is_kept_and_one_of_33_is_shortened() -> None:
    fits, long = task_names(job_of("t" * 30, "t" * 31))
    assert fits == "J:" + "t" * 30
    assert (len(long), long[:20]) == (NAME_LIMIT, "J:" + "t" * 17 + "~")


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param(["Sync", "sync"], id="case"),
        pytest.param(["t" * 40, "t" * 41], id="long"),
        pytest.param(["a ", "a"], id="blank at the end"),
        pytest.param(["🙂", "🙃"], id="emoji"),
        pytest.param(["ß", "ss"], id="sharp s"),
    ],
)
def test_names_that_a_database_confuses_are_made_different(tasks: list[str]) -> None:
    names = task_names(job_of(*tasks))
    assert len({name.casefold().rstrip() for name in names}) == len(tasks)


def test_a_colon_in_a_job_leads_to_no_other_jobs_task() -> None:
    assert task_names(job_of("c", name="a:b")) != task_names(job_of("b:c", name="a"))


name_texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from("aA :~🙂\u00a0"),
    min_size=1,
    max_size=60,
).filter(str.strip)


@given(name_texts, st.lists(name_texts, min_size=1, max_size=8, unique=True))
@settings(max_examples=300)
def test_names_fit_differ_without_regard_to_case_and_depend_on_nothing_else(job: str, tasks: list[str]) -> None:
    names = task_names(job_of(*tasks, name=job))
    assert names == task_names(job_of(*tasks, name=job))
    assert len({name.casefold() for name in names}) == len(tasks)
    for name in [*names, tag_of(job)]:
        assert 0 < len(name) <= min(NAME_LIMIT, TAG_LIMIT)
        assert name == name.strip()
        assert max(map(ord, name)) <= 0xFFFF


@given(name_texts, name_texts, name_texts, name_texts)
def test_no_task_of_one_job_is_one_of_another(job: str, task: str, other: str, other_task: str) -> None:
    if (job, task) != (other, other_task):
        assert task_names(job_of(task, name=job)) != task_names(job_of(other_task, name=other))
