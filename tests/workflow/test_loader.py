"""Loader: a file gives its jobs without running them, and every way in which it cannot is one clear error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydag import Job, LoadError, NotFound, Task
from pydag.workflow.loader import load_job
from tests.support.commands import flow, pydag

HEAD = "import sys\nfrom pathlib import Path\nfrom pydag import Job, Task\n"


@pytest.fixture(autouse=True)
def imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules that a test's file imports are gone after it."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(text: str, name: str = "flow.py") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def job(name: str, *, then: str = "") -> str:
    """The lines of a file that make a job."""
    return f"job = Job({name!r})\njob.add_task(Task('t', 'touch ran'))\n{then}\n"


def load(text: str, name: str | None = None) -> Job:
    return load_job(write(HEAD + text), name)


def error(text: str, name: str | None = None) -> str:
    with pytest.raises(NotFound if name else LoadError) as caught:
        load(text, name)
    return str(caught.value)


# What is found.


def test_the_only_job_is_found_without_its_name() -> None:
    assert repr(load(job("A"))) == "<A with 1 task>"


def test_run_at_import_is_not_executed_and_nothing_after_it_is(own_home: Path) -> None:
    assert load(job("A", then="job.run()\nPath('after').touch()")).name == "A"
    assert not Path("ran").exists()
    assert not Path("after").exists()
    assert not own_home.exists()


def test_a_handler_around_run_does_not_hide_it() -> None:
    text = "try:\n    job.run()\nexcept Exception:\n    Path('handled').touch()\nPath('after').touch()"
    assert load(job("A", then=text)).name == "A"
    assert not Path("handled").exists()
    assert not Path("after").exists()


@pytest.mark.parametrize("handler", ["except", "except BaseException"])
def test_a_handler_that_catches_everything_is_told(handler: str) -> None:
    assert error(job("A", then=f"try:\n    job.run()\n{handler}:\n    pass")) == (
        "'flow.py' catches what stops its reading at the run of 'A': write `except Exception` instead of a bare "
        '`except`, or put the run below `if __name__ == "__main__":`'
    )
    assert not Path("ran").exists()


ELSEWHERE = {
    "a thread": "from threading import Thread\nt = Thread(target=job.run)\nt.start()\nt.join()",
    "an executor": "from concurrent.futures import *\nwith ThreadPoolExecutor() as e:\n    e.submit(job.run).result()",
    "a forgotten result": "from concurrent.futures import *\nwith ThreadPoolExecutor() as e:\n    e.submit(job.run)",
    "an event loop": "import asyncio\nasyncio.run(asyncio.to_thread(job.run))",
    "a pool of threads": "from multiprocessing.pool import ThreadPool\nThreadPool(1).apply(job.run)",
    "a pool of forks": "import multiprocessing as m\nm.get_context('fork').Pool(1).apply(job.run)",
    "a pool of new processes": "import multiprocessing as m\nm.get_context('spawn').Pool(1).apply(job.run)",
}


@pytest.mark.parametrize("text", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_run_outside_of_the_files_own_lines_is_refused(text: str, own_home: Path) -> None:
    flow(job("A") + text)
    done = pydag("run", "flow.py")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "pydag: 'flow.py' runs 'A' from a thread, from another process or at its end, where reading cannot stop at it: "
        'put the run below `if __name__ == "__main__":`'
    )
    assert not Path("ran").exists()
    assert not own_home.exists()


LATER = {
    "a thread": "from threading import Thread\nThread(target=late).start()",
    "at exit": "import atexit\natexit.register(late)",
    "a fork": "import os\nif os.fork() == 0:\n    job.run()\nos.wait()",
}


@pytest.mark.parametrize("text", LATER.values(), ids=LATER.keys())
def test_what_outlives_the_import_runs_nothing_of_the_file(text: str) -> None:
    late = "def late():\n    while not Path('ran').exists():\n        time.sleep(0.01)\n    job.run()\n"
    made = "with Job('A') as job:\n    Task('t', 'echo >> ran')\n"
    flow(f"import time\nfrom pathlib import Path\n{late}{made}{text}\n")
    done = pydag("run", "flow.py")
    assert (done.returncode, Path("ran").read_text()) == (0, "\n")
    assert "where reading cannot stop at it" in done.stderr


def test_a_process_that_has_read_a_file_runs_jobs_of_its_own(own_home: Path) -> None:
    assert load(job("A")).name == "A"
    with Job("B") as own:
        Task("t", "touch own")
    own.run()
    assert Path("own").exists()


def test_the_main_guard_is_left_out() -> None:
    assert load(job("A", then="if __name__ == '__main__':\n    Path('main').touch()\n    job.run()")).name == "A"
    assert not Path("main").exists()


def test_print_of_a_job_draws_nothing_while_its_file_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    load(job("A", then="print(job)"))
    assert capsys.readouterr().out == "<A with 1 task>\n"
    assert not list(Path().glob("A.*"))


def test_a_file_is_read_as_it_is_now_and_leaves_nothing_beside_it() -> None:
    assert load(job("A")).name == "A"
    assert load(job("B")).name == "B"  # of the same size, within the same second
    assert list(Path().iterdir()) == [Path("flow.py")]


def test_a_job_is_chosen_among_several() -> None:
    assert load(job("A") + job("B") + job("C"), "B").name == "B"


def test_the_run_of_another_job_is_no_more_executed_than_what_follows_it(own_home: Path) -> None:
    text = job("First", then="record = job.run()") + "Path('after').touch()\n" + job("Second")
    assert error(text, "Second") == (
        "'flow.py' has no job named 'Second', only 'First': it was read up to the run of 'First'; "
        'make every job before the first run, or put the runs below `if __name__ == "__main__":`'
    )
    assert not Path("ran").exists()
    assert not Path("after").exists()
    assert not own_home.exists()


def test_without_a_name_reading_stops_at_the_first_run() -> None:
    assert load(job("A", then="job.run()") + job("B")).name == "A"


def test_a_job_made_in_a_module_beside_the_file_is_found() -> None:
    write(HEAD + job("A"), "flows/made_beside.py")
    assert load_job(write("from made_beside import job\n", "flows/main.py")).name == "A"


def test_a_function_of_the_file_may_import_from_beside_it_later() -> None:
    write("VALUE = 3\n", "flows/needed_later.py")
    text = "def value():\n    import needed_later\n    return needed_later.VALUE\n"
    load_job(write(HEAD + text + job("A"), "flows/main.py"))
    assert sys.modules["__pydag_file__"].value() == 3


def test_the_file_sees_argv_and_path_as_a_script_does() -> None:
    before = sys.argv
    text = "ARGV, FIRST = sys.argv, sys.path[0]\n"
    load_job(write(HEAD + text + job("A"), "flows/main.py"))
    module = sys.modules["__pydag_file__"]
    assert module.ARGV == ["flows/main.py"]
    assert str(Path("flows").absolute()) == module.FIRST
    assert sys.argv is before


def test_a_job_made_before_the_run_of_another_is_found() -> None:
    text = job("A") + "first = job\n" + job("B", then="first.run()\njob.run()")
    assert load(text, "B").name == "B"
    assert not Path("ran").exists()


def test_jobs_below_the_main_guard_run_but_every_job_is_found() -> None:
    text = job("A") + "first = job\n" + job("B", then="if __name__ == '__main__':\n    first.run()\n    job.run()")
    assert load(text, "B").name == "B"


def test_a_file_may_define_dataclasses() -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n" + HEAD
    text += "@dataclass\nclass Config:\n    size: int = 3\n"
    assert load_job(write(text + job("A"))).name == "A"


# What cannot be loaded.


def test_a_missing_file_is_named_with_where_it_was_looked_for(directory: Path) -> None:
    with pytest.raises(LoadError) as caught:
        load_job("flow.py")
    assert str(caught.value) == (
        f"there is no file 'flow.py' (looked in {directory}): give the path of a workflow file"
    )


def test_a_missing_file_with_a_neighbour_of_nearly_its_name_suggests_that() -> None:
    write("", "flows/daily.py")
    with pytest.raises(LoadError, match=r"no file 'flows/dialy\.py' \(.*\): did you mean 'flows/daily\.py'\?$"):
        load_job("flows/dialy.py")


def test_a_working_directory_that_is_gone_is_told(directory: Path) -> None:
    file = write(HEAD + job("A")).absolute()
    gone = directory / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.raises(LoadError) as caught:
        load_job(file)
    assert str(caught.value) == "the working directory was removed: change to one that exists, then run again"


def test_a_directory_is_no_file(directory: Path) -> None:
    Path("flows").mkdir()
    with pytest.raises(LoadError) as caught:
        load_job("flows")
    assert str(caught.value) == "'flows' is a directory: give the path of a workflow file"


def test_a_link_to_nothing_is_told_with_where_it_leads() -> None:
    Path("flow.py").symlink_to("gone.py")
    with pytest.raises(LoadError) as caught:
        load_job("flow.py")
    assert str(caught.value) == (
        "'flow.py' is a link to 'gone.py', and that is not there: give the path of a workflow file"
    )


def test_what_is_no_regular_file_is_told_and_not_waited_for() -> None:
    os.mkfifo("flow.py")
    with pytest.raises(LoadError) as caught:
        load_job("flow.py")
    assert str(caught.value) == "'flow.py' is not a regular file: give the path of a workflow file"


@pytest.mark.parametrize(
    ("name", "why"), [("flow.py", "Too many levels of symbolic links"), ("x" * 300 + ".py", "File name too long")]
)
def test_what_the_system_cannot_reach_is_told_with_its_reason(name: str, why: str) -> None:
    Path("flow.py").symlink_to("flow.py")
    with pytest.raises(LoadError) as caught:
        load_job(name)
    assert str(caught.value) == f"{name!r} cannot be reached ({why}): give the path of a workflow file"


@pytest.mark.parametrize("name", ["flow", "flow.txt", "flow.ipynb.bak"])
def test_a_file_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_job(write(HEAD + job("A"), name))
    assert str(caught.value) == f"{name!r} is not a workflow file: its name must end in .py or .ipynb"


def test_a_file_that_cannot_be_read_as_text_is_refused() -> None:
    Path("flow.py").write_bytes(b"\x00\x01\xff")
    with pytest.raises(LoadError, match=r"^'flow\.py' cannot be imported"):
        load_job("flow.py")


def test_a_syntax_error_is_told_with_its_line() -> None:
    message = error("job = = 3\n")
    assert message == "'flow.py', line 4, at `job = = 3`: SyntaxError: invalid syntax"


def test_what_the_file_raises_is_told_with_its_line() -> None:
    message = error("\ndef deep():\n    return {}['key']\n\ndeep()\n")
    assert message == "'flow.py', line 6, at `return {}['key']`: KeyError: 'key'"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 / 0", "line 2, at `1 / 0`: ZeroDivisionError: division by zero"),
        ("a = = 1", "line 2, at `a = = 1`: SyntaxError: invalid syntax"),
        ("raise ValueError", "line 2: ValueError"),
    ],
)
def test_what_a_module_of_the_files_own_raises_is_told_with_the_line_of_the_module(text: str, told: str) -> None:
    write(f"import os\n{text}\n", "broken_beside.py")
    assert error("import broken_beside\n") == f"'broken_beside.py', {told}"


def test_what_a_library_raises_is_told_with_the_line_of_the_file() -> None:
    assert error("import json\njson.loads('{')\n").startswith(
        "'flow.py', line 5, at `json.loads('{')`: JSONDecodeError: "
    )


def test_a_missing_package_is_told_with_the_python_that_misses_it() -> None:
    assert error("import no_such_package\n") == (
        "'flow.py', line 4, at `import no_such_package`: ModuleNotFoundError: No module named 'no_such_package' "
        f"(for the Python {sys.executable})"
    )


def test_a_wrong_task_is_told_with_its_line() -> None:
    message = error("Task('a', '')\n")
    assert message == "'flow.py', line 4: task 'a': the command is empty (''); `true` does nothing"


@pytest.mark.parametrize("code", ["", "0", "3", "'enough'"])
def test_a_file_that_ends_itself_is_told(code: str) -> None:
    shown = code or "None"
    assert error(f"sys.exit({code})\n") == f"'flow.py' ended itself while it was imported: sys.exit({shown})"


def test_an_error_of_the_files_own_that_is_no_exception_is_told() -> None:
    assert error("class Enough(BaseException):\n    pass\nraise Enough('of it')\n") == (
        "'flow.py', line 6, at `raise Enough('of it')`: Enough: of it"
    )


def test_ctrl_c_while_a_file_is_read_stays_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt):
        load("raise KeyboardInterrupt\n")


def test_a_file_without_a_job_is_refused() -> None:
    assert error("def make():\n    return Job('A')\n") == (
        "'flow.py' makes no job when it is imported: write job = Job(...) outside of any function, "
        'above `if __name__ == "__main__":`'
    )


def test_several_jobs_ask_for_a_choice() -> None:
    assert error(job("A") + job("B")) == "'flow.py' has 2 jobs ('A', 'B'): choose one with --job"


def test_a_wrong_name_suggests_the_nearest() -> None:
    assert error(job("Daily") + job("Weekly"), "daily") == (
        "'flow.py' has no job named 'daily', only 'Daily', 'Weekly'; did you mean 'Daily'?"
    )
    assert error(job("Daily"), "daily") == "'flow.py' has no job named 'daily', only 'Daily'"


def test_two_jobs_of_the_wanted_name_are_refused() -> None:
    with pytest.raises(LoadError, match=r"^'flow\.py' has 2 jobs named 'A': give each a name of its own$"):
        load(job("A") + job("A"), "A")


def test_argv_is_given_back_after_an_error() -> None:
    before = sys.argv
    error("1 / 0\n")
    assert sys.argv is before


def test_a_job_made_after_loading_is_not_told_to_the_loader() -> None:
    load(job("A"))
    later = Job("later")
    later.add_task()
    with pytest.raises(LoadError):
        load("")
