"""What bash does to the environment of a program that it starts. Pure.

It drops some variables, sets others and changes a few, each version in its own way. So what it makes of the environment
of a run is observed once (`observed`), and a variable that a task adds must be one that bash leaves alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

# Variables that bash sets, changes or obeys, in any version, and those that the C library obeys while bash starts.
_VARIABLES_TEXT = """
    _ CDPATH CHILD_MAX COLUMNS COMP_CWORD COMP_KEY COMP_LINE COMP_POINT COMP_TYPE COMP_WORDBREAKS COMP_WORDS
    COMPREPLY COPROC DIRSTACK EMACS ENV EPOCHREALTIME EPOCHSECONDS EUID EXECIGNORE FCEDIT FIGNORE FUNCNAME
    FUNCNEST GLIBC_TUNABLES GLOBIGNORE GLOBSORT GROUPS histchars HISTCMD HISTCONTROL HISTFILE HISTFILESIZE
    HISTIGNORE HISTSIZE HISTTIMEFORMAT HOME HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF ignoreeof INPUTRC
    INSIDE_EMACS LANG LANGUAGE LINENO LINES LOCPATH MACHTYPE MAIL MAILCHECK MAILPATH MAPFILE NLSPATH OLDPWD
    OPTARG OPTERR OPTIND OSTYPE PIPESTATUS POSIX_PEDANTIC POSIXLY_CORRECT PPID PROMPT_COMMAND PROMPT_DIRTRIM PS0
    PS1 PS2 PS3 PS4 PWD RANDOM READLINE_ARGUMENT READLINE_LINE READLINE_MARK READLINE_POINT REPLY SECONDS SHELL
    SHELLOPTS SHLVL SRANDOM SSH2_CLIENT SSH_CLIENT TEXTDOMAIN TEXTDOMAINDIR TIMEFORMAT TMOUT TMPDIR UID
"""
_VARIABLES = frozenset(_VARIABLES_TEXT.split())

# How more of them begin. An exported function is a variable whose name begins with BASH.
_PREFIXES = ("BASH", "GCONV", "LC_", "LD_", "MALLOC_")

# Those of them that make bash do nothing else than what it hands on shows, where there is no terminal.
_OBSERVABLE_TEXT = """
    _ COLUMNS HISTCONTROL HISTFILE HISTFILESIZE HISTIGNORE HISTSIZE HISTTIMEFORMAT HOME HOSTNAME HOSTTYPE
    INPUTRC LANG LANGUAGE LINES MACHTYPE MAIL MAILCHECK OLDPWD OSTYPE PROMPT_COMMAND PS1 PS2 PWD SHELL SHLVL
    SSH2_CLIENT SSH_CLIENT TMPDIR
"""
_OBSERVABLE = frozenset(_OBSERVABLE_TEXT.split())
_DROPPED = frozenset((b"PS1", b"PS2"))  # bash may drop them
_SET = frozenset((b"OLDPWD", b"PWD", b"SHLVL", b"_"))  # bash may set or change them
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NESTED = re.compile(rb"[1-9][0-9]{0,2}")  # SHLVL below another shell


def is_plain(name: str, value: str) -> bool:
    """Whether bash hands this variable on as it is, and does nothing else because of it."""
    # A value that begins with () was a function once.
    return (
        _NAME.fullmatch(name) is not None
        and name not in _VARIABLES
        and not name.startswith(_PREFIXES)
        and value[:2] != "()"
    )


def is_observable(environ: Mapping[bytes, bytes]) -> bool:
    """Whether whatever bash does because of these variables shows in the environment that it hands on."""
    if (b"SSH_CLIENT" in environ or b"SSH2_CLIENT" in environ) and not _NESTED.fullmatch(environ.get(b"SHLVL", b"")):
        return False  # as the first shell of a connection, bash may read .bashrc
    return all(_shows(os.fsdecode(name)) and value[:2] != b"()" for name, value in environ.items())


def _shows(name: str) -> bool:
    if name.startswith("LC_") or name in _OBSERVABLE:
        return True
    return name not in _VARIABLES and not name.startswith(_PREFIXES)


def observed(environ: Mapping[bytes, bytes], output: bytes) -> dict[bytes, bytes] | None:
    """The environment that bash makes of this one for a program, read from what `env -0` wrote under it.

    None where it cannot be explained, as where bash has also written a warning about the locale.
    """
    if not output.endswith(b"\0"):
        return None
    entries = [entry.partition(b"=") for entry in output[:-1].split(b"\0")]
    found = {name: value for name, _, value in entries}
    explained = (
        len(found) == len(entries)
        and all(name in found or name in _DROPPED for name in environ)
        and all(name in _SET or environ.get(name) == value for name, value in found.items())
        and found.get(b"PWD", b"").startswith(b"/")
        and found.get(b"SHLVL", b"").isdigit()
        and b"_" in found
    )
    return found if explained else None
