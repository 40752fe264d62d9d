"""A declaration of a parameter: its checks. What cannot be right is `InvalidJob`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pydag.errors import InvalidJob, InvalidSetting, nearest, shown
from pydag.model.params import ParamSpec, ParamType
from pydag.workflow.params.reading import read
from pydag.workflow.params.values import KINDS, Days, Kind, text_of
from pydag.workflow.tasks.checks import NOT_FOR_A_PROGRAM

REQUIRED: Final = object()
"""Stands for a default where there is none."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Variables that programs and shells obey or set: a parameter of that name would change how commands run.
_TAKEN_TEXT = """
    _ CDPATH EDITOR ENV EUID GROUPS HOME HOSTNAME IFS LANG LANGUAGE LINENO LOGNAME MAIL OLDPWD OPTARG OPTERR OPTIND
    PATH PPID PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 PWD RANDOM REPLY SECONDS SHELL SHELLOPTS SHLVL TERM TMOUT TMPDIR TZ UID
    USER http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
    NO_COLOR FORCE_COLOR POSIXLY_CORRECT DIRSTACK FUNCNAME PIPESTATUS HISTCMD EPOCHSECONDS EPOCHREALTIME SRANDOM
    VIRTUAL_ENV
"""
_TAKEN = frozenset(_TAKEN_TEXT.split())
_TAKEN_PREFIXES = ("PYDAG_", "GOCRON_", "BASH", "LD_", "LC_", "DYLD_", "GLIBC_", "GCONV", "MALLOC_", "PYTHON")


def declared(
    name: object, default: object, type_: object, choices: Iterable[object] | None, help_: object, secret: object
) -> ParamSpec:
    """The checked declaration. `default` is `REQUIRED` where a value must be given."""
    name = _checked_name(name)
    spec = ParamSpec(name, _checked_type(type_, name), help=_checked_help(help_, name), secret=_flag(secret, name))
    if spec.secret and (default is not REQUIRED or choices is not None):
        raise InvalidJob(
            f"param({name!r}, secret=True): a secret has neither default nor choices, which would stand in the file: "
            f"its value is that of the environment variable {name}"
        )
    if choices is not None:
        spec = spec._replace(choices=_checked_choices(choices, spec))
    return spec if default is REQUIRED else spec._replace(default=_checked_text(default, "default", spec))


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidJob(
            f"param({shown(name)}): a parameter's name has letters of ASCII, digits and _, and no digit first, "
            "as its commands get it as an environment variable: rename it"
        )
    if name in _TAKEN or name.startswith(_TAKEN_PREFIXES):
        raise InvalidJob(
            f"param({name!r}): the environment variable {name} already means something to the shell, to programs or "
            "to pydag, so commands cannot get a parameter by that name: rename it"
        )
    return name


def _checked_type(type_: object, name: str) -> ParamType:
    try:
        return ParamType(type_)
    except ValueError:
        words = [each.value for each in ParamType]
        given = type_.__name__ if isinstance(type_, type) else str(type_)
        near = nearest({"str": "text", "string": "text"}.get(given, given), words)
        hint = f'did you mean type="{near}"?' if near else f"use one of {', '.join(map(repr, words))}"
        raise InvalidJob(f"param({name!r}): type={shown(type_)} is unknown: {hint}") from None


def _checked_help(text: object, name: str) -> str:
    if not isinstance(text, str) or NOT_FOR_A_PROGRAM.search(text):
        raise InvalidJob(f"param({name!r}): help={shown(text)} is not text: write it within quotes")
    return text


def _flag(secret: object, name: str) -> bool:
    if not isinstance(secret, bool):
        raise InvalidJob(f"param({name!r}): secret={shown(secret)} must be True or False")
    return secret


def _checked_choices(choices: Iterable[object], spec: ParamSpec) -> tuple[str, ...]:
    if isinstance(choices, str) or not isinstance(choices, Iterable):
        raise InvalidJob(f"param({spec.name!r}): choices={shown(choices)} is not a list: write it as [..., ...]")
    texts = tuple(_checked_text(choice, "choices", spec) for choice in choices)
    if not texts:
        raise InvalidJob(f"param({spec.name!r}): choices has nothing to choose from: leave it out to allow any value")
    return texts


def _checked_text(value: object, option: str, spec: ParamSpec) -> str:
    """The text of a default or of a choice, which is written as a text or as a value of the parameter's type."""
    kind = KINDS[spec.type]
    fits = type(value) is kind.python or (kind.python is float and type(value) is int)
    if not isinstance(value, str) and not fits:
        raise InvalidJob(f"param({spec.name!r}): {option}={shown(value)} is not {kind.noun}: {_next_step(value, kind)}")
    text = text_of(value)
    try:
        read(spec, text, Days())
    except InvalidSetting as error:
        raise InvalidJob(f"param({spec.name!r}): the {option} is wrong: {error}") from None
    return text


def _next_step(value: object, kind: Kind) -> str:
    if value is None:
        return "leave it out where a value must be given"
    others = [type_.value for type_, other in KINDS.items() if type(value) is other.python]
    also = f', or add type="{others[0]}"' if others and kind.python is str else ""
    return f"write it as {kind.takes}{also}"
