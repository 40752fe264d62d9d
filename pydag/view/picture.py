"""The picture of a job as a file, made by graphviz's program `dot`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydag.errors import InvalidSetting, PictureError
from pydag.files import write_whole
from pydag.model.spec import JobSpec, digest
from pydag.model.states import State
from pydag.view.dot import PAD, source

SUFFIXES = (".png", ".svg", ".pdf", ".dot")

MAX_PIXELS = 5000
"""The longest side of a PNG."""

_DPI = 144
_MAX_FILE_NAME = 255  # bytes, on every usual file system
_TIMEOUT = 300.0  # seconds for a picture that was asked for
_TIMEOUT_BESIDE = 15.0  # seconds for one that `print(job)` makes in passing
_NOT_IN_A_FILE_NAME = re.compile("^[.-]|[/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def write(spec: JobSpec, path: Path, states: Mapping[str, State] | None = None, *, timeout: float = _TIMEOUT) -> Path:
    """Write the picture as the path's suffix says (one of `SUFFIXES`) and return the path.

    A file that is there is replaced as a whole. Raises `InvalidSetting` for any other suffix, and `PictureError` where
    `dot` is missing, fails or takes longer than `timeout` seconds (.dot needs none), or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidSetting(f"cannot draw into {str(path)!r}: end the file name in one of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise PictureError(
            f"{str(path)!r} cannot be written: there is no directory {str(path.parent)!r}; make it first"
        )
    text = source(spec, states)
    _write_file(text.encode() if suffix == ".dot" else _drawn(text, suffix, timeout), path)
    return path


def write_beside(
    spec: JobSpec,
    directory: Path,
    states: Mapping[str, State] | None = None,
    *,
    timeout: float = _TIMEOUT_BESIDE,
) -> str | None:
    """Write `JOB.png` into the directory (see `file_name`), or `JOB.dot` where `dot` makes no picture.

    Never raises: returns None, or one line that says what is wrong and how to get the picture.
    """
    try:
        return _write_beside(spec, directory, states, timeout)
    except Exception as error:  # noqa: BLE001  # a picture in passing must not end the script that prints its job
        return f"no picture of the job {spec.name!r}: {' '.join(str(error).split())}"


def _write_beside(spec: JobSpec, directory: Path, states: Mapping[str, State] | None, timeout: float) -> str | None:
    text = source(spec, states)
    png, dot = file_name(spec.name, ".png"), file_name(spec.name, ".dot")
    try:
        picture = _drawn(text, ".png", timeout)
    except PictureError as error:
        _write_file(text.encode(), directory / dot)
        return f"no {png!r}: {error}; then run: dot -Tpng {shlex.quote(dot)} -o {shlex.quote(png)}"
    _write_file(picture, directory / png)
    return None


def file_name(name: str, suffix: str) -> str:
    """The name with the suffix, where that is a file name that stays in its directory, is not hidden, and fits.

    Any other name has its slashes and control characters and a leading dot or dash turned into `_`, is cut to fit into
    255 bytes, and is followed by `-` and ten hexadecimal digits of its SHA-256, so that two jobs never share a file.
    """
    safe = _NOT_IN_A_FILE_NAME.sub("_", name)
    room = _MAX_FILE_NAME - len(suffix.encode())
    if safe == name and len(safe.encode()) <= room:
        return name + suffix
    mark = f"-{digest(name, 10)}"
    return safe.encode()[: room - len(mark)].decode(errors="ignore") + mark + suffix


def _drawn(text: str, suffix: str, timeout: float) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise PictureError("graphviz's `dot` is not on the PATH: install graphviz")
    inches = MAX_PIXELS / _DPI - 2 * PAD
    flags = [f"-Gdpi={_DPI}", f"-Gsize={inches:.2f},{inches:.2f}"] if suffix == ".png" else []
    try:
        # A session of its own: where `dot` is a script, its children end with it when it takes too long.
        process = subprocess.Popen(
            [program, f"-T{suffix[1:]}", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise PictureError(f"{program!r} does not start: {error.strerror}") from None
    with process:
        try:
            picture, stderr = process.communicate(text.encode(), timeout)
        except subprocess.TimeoutExpired:
            raise PictureError(f"{program!r} took longer than {timeout:g} s") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode or not picture:
        reason = stderr.decode(errors="replace").split("\n")[0][:200] or "no reason given; a .svg can be larger"
        raise PictureError(f"{program!r} made no picture (status {process.returncode}): {reason}")
    return picture


def _write_file(content: bytes, path: Path) -> None:
    try:
        write_whole(path, content, mode=0o666)
    except OSError as error:
        raise PictureError(f"{str(path)!r} cannot be written: {error.strerror}; choose another place") from None
