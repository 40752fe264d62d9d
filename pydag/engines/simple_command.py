"""Simple commands: those for which bash would only start one program. Pure.

Whatever is in doubt is not simple: bash then reads it, which is always right and only takes longer. The lists hold the
names of all versions of bash from 4.4 to 5.3.
"""

from __future__ import annotations

import re
from functools import lru_cache

_BUILTINS_TEXT = """
    . : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown
    echo enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile
    popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true
    type typeset ulimit umask unalias unset wait
"""
BUILTINS = frozenset(_BUILTINS_TEXT.split())

_KEYWORDS_TEXT = """
    if then else elif fi case esac for select while until do done in function time { } ! [[ ]] coproc
"""
KEYWORDS = frozenset(_KEYWORDS_TEXT.split())

BUILTIN_PROGRAMS = frozenset(("echo", "false", "true"))
"""Builtins that do what the system's program of that name does, with the words that `simple_words` lets pass."""

_MAX_LENGTH = 4096  # characters; the system refuses some longer commands as one argument and takes them as several

_FIRST = r"[A-Za-z0-9_./][A-Za-z0-9_./+,:@-]*"
_WORD = (
    r"(?:[A-Za-z0-9_./+,:@%=-]"
    r"|'[ -&(-~]*'"
    r'|"[ #%-\[\]-_a-~]*"'  # without what bash reads there: $ ` \ and !
    r")+"
)
_SIMPLE = re.compile(rf"{_FIRST}(?:[ \t]+{_WORD})*", re.ASCII)
_WORDS = re.compile(_WORD, re.ASCII)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_PATH = re.compile(r"(?:/[!-9;-~]*[!-.0-9;-~])(?::/[!-9;-~]*[!-.0-9;-~])*", re.ASCII)


@lru_cache(maxsize=1024)
def simple_words(command: str) -> tuple[str, ...] | None:
    """The words of a command that starts the program of its first word and does nothing else; None for any other.

    Whether there is such a program is left to the caller. For a word of `BUILTIN_PROGRAMS` it must be the system's own.
    """
    if len(command) > _MAX_LENGTH or not _SIMPLE.fullmatch(command):
        return None
    words = tuple(command.split()) if "'" not in command and '"' not in command else _unquoted(command)
    name, *arguments = words
    if name in BUILTIN_PROGRAMS:
        plain = name == "echo" and not any(word.startswith("-") or "\\" in word for word in arguments)
        return words if plain or not arguments else None
    return None if name in BUILTINS or name in KEYWORDS else words


def _unquoted(command: str) -> tuple[str, ...]:
    return tuple(_QUOTED.sub(lambda match: match[1] or match[2] or "", word) for word in _WORDS.findall(command))


@lru_cache(maxsize=1024)
def candidates(name: str, path: str) -> tuple[str, ...] | None:
    """Where bash looks for a program, in this order. None for a PATH with entries that mean something special.

    An empty or a relative entry depends on the directory, and one that begins with `~` is expanded.
    """
    if "/" in name:
        return (name,)
    if "//" in path or not _PATH.fullmatch(path):
        return None
    return tuple(f"{directory}/{name}" for directory in path.split(":"))
