"""Declared parameters: kept in a job's document, and left out of one that has none."""

from __future__ import annotations

import json

import pytest

from pydag.errors import StoreFormatError
from pydag.model.actions import HttpRequest, Shell
from pydag.model.params import ParamSpec, ParamType
from pydag.model.spec import JobSpec, TaskSpec

EVERYTHING = ParamSpec("CITY", ParamType.TEXT, default="Berlin", choices=("Berlin", "Paris"), help="where")
SECRET = ParamSpec("TOKEN", secret=True)


def job(*params: ParamSpec) -> JobSpec:
    return JobSpec(name="J", tasks=(TaskSpec("t", Shell("true")),), params=params)


def test_a_jobs_document_keeps_its_parameters() -> None:
    spec = job(EVERYTHING, SECRET, *(ParamSpec(f"P{number}", each) for number, each in enumerate(ParamType)))
    assert JobSpec.from_json(spec.to_json()) == spec


def test_a_job_without_parameters_has_the_document_that_it_always_had() -> None:
    assert "params" not in json.loads(job().to_json())


def test_what_a_parameter_does_not_set_is_left_out() -> None:
    assert json.loads(job(SECRET).to_json())["params"] == [{"name": "TOKEN", "type": "text", "secret": True}]


@pytest.mark.parametrize("damage", ['"type":"text"', '"name":"TOKEN"'])
def test_a_damaged_parameter_is_a_job_that_cannot_be_read(damage: str) -> None:
    with pytest.raises(StoreFormatError, match="cannot be read"):
        JobSpec.from_json(job(SECRET).to_json().replace(damage, '"typ":"text"'))


def test_commands_get_variables_and_a_tasks_own_stay() -> None:
    own = TaskSpec("own", Shell("true", env=(("DAY", "mine"), ("X", "1"))))
    url = TaskSpec("url", HttpRequest("http://host/"))
    spec = JobSpec(name="J", tasks=(TaskSpec("t", Shell("true")), own, url))
    got = spec.with_variables((("DAY", "2026-03-01"), ("CITY", "Paris")))
    assert [task.action for task in got.tasks] == [
        Shell("true", env=(("DAY", "2026-03-01"), ("CITY", "Paris"))),
        Shell("true", env=(("CITY", "Paris"), ("DAY", "mine"), ("X", "1"))),
        HttpRequest("http://host/"),
    ]
    assert spec.with_variables(()) is spec
