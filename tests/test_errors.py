"""The tree of errors: one root, drawn in the docstring as it is."""

from __future__ import annotations

import inspect
import pickle
from datetime import UTC, datetime

import pytest

import pydag
from pydag import errors
from pydag.model.actions import Shell
from pydag.model.run import Attempt, Run, RunFailed, RunRecord, record_of
from pydag.model.spec import JobSpec, TaskSpec
from pydag.model.states import State

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_the_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.PyDagException)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_docstring_draws_every_error_under_its_parent(kind: type[Exception]) -> None:
    """A line's depth in the picture is that of the class below the root."""
    lines = (errors.__doc__ or "").splitlines()
    (line,) = [line for line in lines if kind.__name__ in line.replace("─", " ").split()]
    assert line.index(kind.__name__) // 4 == kind.__mro__.index(errors.PyDagException)
    above = [other for other in KINDS if other is not kind and issubclass(kind, other)]
    assert all(
        (errors.__doc__ or "").index(other.__name__) < (errors.__doc__ or "").index(kind.__name__) for other in above
    )


def test_wrong_values_are_value_errors_and_missing_names_lookup_errors() -> None:
    assert issubclass(errors.InvalidJob, ValueError)
    assert issubclass(errors.InvalidSetting, ValueError)
    assert issubclass(errors.NotFound, LookupError)


def test_a_cycle_keeps_its_path() -> None:
    error = errors.CycleError(["a", "b", "a"])
    assert error.path == ("a", "b", "a")
    assert str(error) == "the tasks wait for each other: a -> b -> a; take one of these edges out"


def made(kind: type[Exception]) -> Exception:
    if kind is errors.CycleError:
        return errors.CycleError(["a", "b", "a"])
    if kind is RunFailed:
        return RunFailed("job 'J' failed", recorded())
    return kind("a message")


def recorded() -> RunRecord:
    spec = JobSpec(name="J", tasks=(TaskSpec("t", Shell("false")),))
    run = Run(id="1", job="J", engine="local", state=State.FAILED, started=datetime.now(UTC))
    return record_of(run, spec, [Attempt(task=0, number=1, state=State.FAILED)])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_comes_out_of_another_process_as_it_went_in(kind: type[Exception]) -> None:
    """As `multiprocessing` hands it on: what cannot be read back there hangs whoever waits."""
    error = made(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (kind, str(error), vars(error))


def test_a_long_value_is_cut_and_one_that_cannot_be_written_down_described() -> None:
    assert errors.shown("x" * 78) == f"'{'x' * 78}'"
    assert errors.shown("x" * 79) == f"'{'x' * 79}..."
    assert errors.shown(10**5000) == "a number of thousands of digits"


def test_every_public_name_is_there() -> None:
    assert sorted(pydag.__all__) == pydag.__all__
    assert all(hasattr(pydag, name) for name in pydag.__all__)
