"""The files that pictures are written to, and the program that draws them."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydag.errors import InvalidSetting, PictureError
from pydag.model.spec import JobSpec
from pydag.testing import HOSTILE_NAMES
from pydag.view import picture
from tests.support.pictures import fan, job, layered, png_size, put_dot, svg, task
from tests.support.processes import alive
from tests.support.waiting import eventually

NAMES = st.text(min_size=1, max_size=220)


# Sizes and times.


@pytest.mark.dot
@pytest.mark.parametrize(
    "spec",
    [fan(98), layered(20, 5, 2), layered(5, 20, 2), job(*map(str, range(100)))],
    ids=["fan", "deep", "wide", "chain"],
)
def test_the_png_of_100_tasks_is_bounded_and_its_text_can_be_read(spec: JobSpec, directory: Path) -> None:
    size = png_size(picture.write(spec, directory / "job.png"))
    assert max(size) <= picture.MAX_PIXELS
    points = svg(spec, directory).get("viewBox", "").split()
    # Names are 12 points high: at 0.8 pixels a point they are as high as small print on a web page.
    assert size[1] / float(points[3]) > 0.8


@pytest.mark.dot
@pytest.mark.parametrize(
    "spec",
    [fan(998), layered(20, 50, 3), job(*map(str, range(1000)))],
    ids=["fan", "layers", "chain"],
)
def test_1000_tasks_are_drawn_in_seconds(spec: JobSpec, directory: Path) -> None:
    assert picture.write_beside(spec, directory, timeout=20) is None
    assert max(png_size(directory / f"{spec.name}.png")) <= picture.MAX_PIXELS


# Files.


@pytest.mark.dot
@pytest.mark.parametrize(
    ("suffix", "head"),
    [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".dot", b"digraph"), (".SVG", b"<?xml")],
)
def test_the_suffix_says_what_is_written(suffix: str, head: bytes, directory: Path) -> None:
    path = directory / f"out{suffix}"
    assert picture.write(job("a", "b"), path) == path
    assert path.read_bytes().startswith(head)
    assert os.listdir(directory) == [path.name]


@pytest.mark.parametrize("name", ["out.gif", "out", "out.png.txt", ".png"])
def test_an_unknown_suffix_is_named_with_the_known_ones(name: str, directory: Path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        picture.write(job("a"), directory / name)
    assert str(directory / name) in str(caught.value)
    assert all(kind in str(caught.value) for kind in picture.SUFFIXES)


def test_a_missing_directory_is_named(directory: Path) -> None:
    with pytest.raises(PictureError, match=r"no directory .*missing"):
        picture.write(job("a"), directory / "missing" / "out.dot")


def test_a_directory_that_takes_no_file_is_a_clear_error() -> None:
    # Not even root can make a file in /proc.
    with pytest.raises(PictureError, match=r"'/proc/out\.dot' cannot be written"):
        picture.write(job("a"), Path("/proc/out.dot"))


def test_a_crash_while_writing_leaves_the_old_picture(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture.write(job("a"), directory / "out.dot")
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        picture.write(job("b"), path)
    assert path.read_bytes() == before
    assert os.listdir(directory) == ["out.dot"]


def test_a_new_picture_has_the_mode_that_the_umask_asks_for(directory: Path) -> None:
    old = os.umask(0o027)
    try:
        path = picture.write(job("a"), directory / "out.dot")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# Names of files.


@pytest.mark.parametrize(
    "name", ["TestJob", "my job", "日本語 🚀", "100 %*[red]:$(x)", 'a"b', "a\\nb", "x" * 200, "v1.2"]
)
def test_a_safe_name_is_the_name_of_the_file(name: str) -> None:
    assert picture.file_name(name, ".png") == f"{name}.png"


@pytest.mark.parametrize(
    "name", ["..", ".", "../../etc/passwd", "/abs", "a/b", ".hidden", "-rf", "🚀" * 200, "a\nb", "\0"]
)
def test_an_unsafe_name_is_changed(name: str) -> None:
    assert picture.file_name(name, ".png") != f"{name}.png"


def test_two_names_never_share_a_file() -> None:
    names = ["a/b", "a_b", "a\nb", "🚀" * 199, "🚀" * 200, "..", "_."]
    assert len({picture.file_name(name, ".png") for name in names}) == len(names)


@given(st.text(min_size=1, max_size=300))
def test_any_name_gives_a_file_that_fits_and_stays_inside(name: str) -> None:
    found = picture.file_name(name, ".png")
    assert len(found.encode()) <= 255
    assert found.endswith(".png")
    assert found[0] not in ".-"
    assert not set(found) & {"/", "\0", "\n"}


# What `print(job)` does.


@pytest.mark.dot
@pytest.mark.parametrize("name", ["TestJob", "..", "../escape", "a/b/c", "/abs", "🚀" * 200, "x" * 200])
def test_the_picture_beside_stays_inside_its_directory(name: str, directory: Path) -> None:
    inside = directory / "inside"
    inside.mkdir()
    assert picture.write_beside(job("a", name=name), inside) is None
    assert os.listdir(directory) == ["inside"]
    (made,) = inside.iterdir()
    assert made.name == picture.file_name(name, ".png")
    assert min(png_size(made)) > 50


@pytest.mark.parametrize("path", ["", "/nonexistent"])
def test_without_dot_there_is_a_dot_file_and_a_line_that_says_how_to_draw_it(
    path: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    said = picture.write_beside(job("a", name="My Job"), directory)
    assert said is not None
    assert said.endswith("install graphviz; then run: dot -Tpng 'My Job.dot' -o 'My Job.png'")
    assert "\n" not in said
    assert os.listdir(directory) == ["My Job.dot"]
    with pytest.raises(PictureError, match="install graphviz"):
        picture.write(job("a"), directory / "out.png")


@pytest.mark.dot
def test_the_dot_file_makes_the_picture_as_the_line_says(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "it's $(touch x) `touch y`; ok"
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        said = picture.write_beside(job(*HOSTILE_NAMES, name=name), directory)
    assert said is not None
    subprocess.run(said.partition("then run: ")[2], shell=True, cwd=directory, check=True)
    assert sorted(os.listdir(directory)) == [f"{name}.dot", f"{name}.png"]


def test_a_dot_that_fails_is_quoted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", "echo 'no fonts here' >&2; exit 3")
    said = picture.write_beside(job("a", name="J"), directory)
    assert said is not None
    assert "made no picture (status 3): no fonts here" in said
    assert sorted(os.listdir(directory)) == ["J.dot", "bin"]


def test_a_dot_that_draws_nothing_leaves_no_empty_picture(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", "exit 0")
    with pytest.raises(PictureError, match="made no picture"):
        picture.write(job("a"), directory / "out.png")
    assert os.listdir(directory) == ["bin"]


def test_a_dot_that_cannot_start_is_reported(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", "")
    (directory / "bin" / "dot").write_text("#!/nonexistent/interpreter\n")
    said = picture.write_beside(job("a", name="J"), directory)
    assert said is not None
    assert "does not start" in said


def test_a_dot_that_hangs_is_ended_with_its_children(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dot(monkeypatch, directory / "bin", f"sleep 600 & echo $! > '{directory}/child'; wait")
    started = time.monotonic()
    said = picture.write_beside(job("a", name="J"), directory, timeout=0.5)
    assert time.monotonic() - started < 5
    assert said is not None
    assert "took longer than 0.5 s" in said
    child = int((directory / "child").read_text())
    eventually(lambda: not alive(child))


@pytest.mark.parametrize("place", ["/proc", "/dev/null", "/nonexistent/place"])
def test_a_place_that_takes_no_file_is_one_line(place: str) -> None:
    said = picture.write_beside(job("a", name="J"), Path(place))
    assert said is not None
    assert said.startswith("no picture of the job 'J': ")
    assert "cannot be written" in said


@pytest.mark.dot
@settings(max_examples=25, deadline=None)
@given(name=NAMES, tasks=st.lists(NAMES, min_size=1, max_size=4), about=st.text())
def test_the_picture_beside_never_raises(name: str, tasks: list[str], about: str) -> None:
    spec = replace(job(*dict.fromkeys(tasks), name=name), description=about)
    with TemporaryDirectory() as directory:
        assert picture.write_beside(spec, Path(directory)) is None
        assert os.listdir(directory) == [picture.file_name(name, ".png")]


def test_a_broken_job_is_one_line_too(directory: Path) -> None:
    said = picture.write_beside(JobSpec(name="J", tasks=(task("a", 7),)), directory)
    assert said is not None
    assert said.startswith("no picture of the job 'J': ")
