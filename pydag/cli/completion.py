"""Completion: the names of jobs and tasks that the shell offers; where there are none, nothing, in silence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, add_completion_class

from pydag.errors import PyDagException

# What bash would take for more, or less, than the character itself. Every command imports this module, so it is
# compiled where it is used: that takes 4 ms.
_SPECIAL = r"[^\w@%+=:,./\-\u0080-\U0010ffff]"


class JobName(click.ParamType[str]):
    """A job of the history; the shell completes it."""

    name = "job"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The jobs that begin so."""
        from pydag.app import jobs as jobs_app

        with _in_silence():
            return _offered((entry.name for entry in jobs_app.jobs()), incomplete)
        return []


class TaskName(click.ParamType[str]):
    """A task of the job that stands before it on the command line; the shell completes it."""

    name = "task"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The tasks that begin so."""
        from pydag.app import jobs as jobs_app

        # While the option has no value yet, click leaves what stands before it as arguments.
        job = ctx.params.get("job") or next(iter(ctx.args), None)
        with _in_silence():
            return _offered((task.name for task in jobs_app.job_spec(job).tasks), incomplete) if job else []
        return []


# Click's own takes the backslashes off the candidates again, and lets bash expand what is left. It also has only
# COMP_WORDS, which bash splits at `:` and `=` too. `$2` is what a candidate will stand in the place of.
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            file | dir) compopt -o default ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$2" %(complete_var)s=bash_complete $1)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class QuotingBash(BashComplete):
    """Bash puts a candidate into the line as it is: a name with spaces or `$(...)` has to come quoted."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one that it is at."""
        words, _ = _words(os.environ["COMP_LINE"])
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """What is missing of the word behind the part of it that stays, written for the quote that is open there."""
        line = os.environ["COMP_LINE"]
        (*_, stays), quote = _words(line.removesuffix(os.environ["COMP_WORD"]))
        (*_, word), _ = _words(line)
        option, equals, _ = word.partition("=") if word.startswith("-") else ("", "", "")  # of --option=value
        whole = f"{option}={item.value}" if equals else item.value
        return super().format_completion(CompletionItem(_quoted(whole.removeprefix(stays), quote), item.type))


@add_completion_class
class WholeFish(FishComplete):
    """Click's own cuts a name at its first comma."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')


def _words(line: str) -> tuple[list[str], str]:
    """The words of a command line as bash reads them, and the quote that is still open in the last one, or nothing."""
    words, quote = [""], ""
    characters = iter(line)
    for character in characters:
        if character == quote:
            quote = ""
        elif character == "\\" and quote != "'":
            escaped = next(characters, "")
            words[-1] += escaped if not quote or escaped in '$`"\\' else character + escaped
        elif quote:
            words[-1] += character
        elif character in "'\"":
            quote = character
        elif character in " \t\n":
            words.append("")
        else:
            words[-1] += character
    return [word for word in words[:-1] if word] + words[-1:], quote


def _quoted(text: str, quote: str) -> str:
    """The text so that bash takes it as it is, within this quote or outside of any."""
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote == '"':
        # Within these no backslash keeps a `!` from the history of commands without staying there itself.
        return re.sub(r'[$`"\\]', r"\\\g<0>", text).replace("!", "\"'!'\"")
    return re.sub(_SPECIAL, r"\\\g<0>", text)


def _offered(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@contextmanager
def _in_silence() -> Iterator[None]:
    """A message in the middle of somebody's command line helps nobody; the command itself will tell."""
    try:
        yield
    except PyDagException:
        return
