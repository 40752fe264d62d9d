"""The picture of a job, through graphviz: DOT text, and the files that `dot` makes of it.

Names are data here, never DOT: tasks get identifiers of their own, names stand in labels and tooltips alone, escaped.
The package graphviz is imported where it is used: it costs 19 ms, and most commands draw nothing.
"""

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
from pydag.view.dot import _DPI, _PAD, MAX_PIXELS, source

KINDS = (".png", ".svg", ".pdf", ".dot")
_MAX_FILE_NAME = 255  # bytes, on every usual file system
_PATIENCE = 300.0  # seconds for a picture that was asked for
_PATIENCE_BESIDE = 15.0  # seconds for one that `print(job)` makes in passing
_NOT_IN_A_FILE_NAME = re.compile("^[.-]|[/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def write(spec: JobSpec, path: Path, states: Mapping[str, State] | None = None, *, patience: float = _PATIENCE) -> Path:
    """Write the picture as the path's suffix says (one of `KINDS`) and return the path.

    A file that is there is replaced as a whole. Raises `InvalidSetting` for any other suffix, and `PictureError` where
    `dot` is missing, fails or takes longer than `patience` seconds (.dot needs none), or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise InvalidSetting(f"cannot draw into {str(path)!r}: end the file name in one of {', '.join(KINDS)}")
    if not path.parent.is_dir():
        raise PictureError(
            f"{str(path)!r} cannot be written: there is no directory {str(path.parent)!r}; make it first"
        )
    text = source(spec, states)
    _put(text.encode() if suffix == ".dot" else _rendered(text, suffix, patience), path)
    return path


def write_beside(
    spec: JobSpec,
    directory: Path,
    states: Mapping[str, State] | None = None,
    *,
    patience: float = _PATIENCE_BESIDE,
) -> str | None:
    """Write `JOB.png` into the directory (see `file_name`), or `JOB.dot` where `dot` makes no picture.

    Never raises: returns None, or one line that says what is wrong and how to get the picture.
    """
    try:
        return _write_beside(spec, directory, states, patience)
    except Exception as error:  # noqa: BLE001  # a picture in passing must not end the script that prints its job
        return f"no picture of the job {spec.name!r}: {' '.join(str(error).split())}"


def _write_beside(spec: JobSpec, directory: Path, states: Mapping[str, State] | None, patience: float) -> str | None:
    text = source(spec, states)
    png, dot = file_name(spec.name, ".png"), file_name(spec.name, ".dot")
    try:
        picture = _rendered(text, ".png", patience)
    except PictureError as error:
        _put(text.encode(), directory / dot)
        return f"no {png!r}: {error}; then run: dot -Tpng {shlex.quote(dot)} -o {shlex.quote(png)}"
    _put(picture, directory / png)
    return None


def file_name(name: str, suffix: str) -> str:
    """The name with the suffix, where that is a file name that keeps to its directory, is seen there, and fits.

    Any other name has its slashes and control characters and a leading dot or dash turned into `_`, is cut to fit into
    255 bytes, and is followed by `-` and ten hexadecimal digits of its SHA-256, so that two jobs never share a file.
    """
    safe = _NOT_IN_A_FILE_NAME.sub("_", name)
    room = _MAX_FILE_NAME - len(suffix.encode())
    if safe == name and len(safe.encode()) <= room:
        return name + suffix
    mark = f"-{digest(name, 10)}"
    return safe.encode()[: room - len(mark)].decode(errors="ignore") + mark + suffix


def _rendered(text: str, suffix: str, patience: float) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise PictureError("graphviz's `dot` is not on the PATH: install graphviz")
    inches = MAX_PIXELS / _DPI - 2 * _PAD
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
            picture, complaint = process.communicate(text.encode(), patience)
        except subprocess.TimeoutExpired:
            raise PictureError(f"{program!r} took longer than {patience:g} s") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode or not picture:
        said = complaint.decode(errors="replace").split("\n")[0][:200] or "no reason given; a .svg can be larger"
        raise PictureError(f"{program!r} made no picture (status {process.returncode}): {said}")
    return picture


def _put(content: bytes, path: Path) -> None:
    """Write the file, whole or not at all."""
    try:
        write_whole(path, content, mode=0o666)
    except OSError as error:
        raise PictureError(f"{str(path)!r} cannot be written: {error.strerror}; choose another place") from None
