"""Completion: the names of jobs and tasks that the shell offers; where there are none, nothing, in silence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from pydag.errors import PyDagException

# What bash would take for more, or less, than the character itself. Every command imports this module, so it is
# compiled where it is used: that takes 4 ms.
_SPECIAL = r"[^\w@%+=:,./\-\u0080-\U0010ffff]"


class JobName(click.ParamType[str]):
    """A job of the history; the shell completes it."""

    name = "job"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The jobs that begin so."""
        from pydag import app

        with _in_silence():
            return _offered((entry.name for entry in app.jobs()), incomplete)
        return []


class TaskName(click.ParamType[str]):
    """A task of the job that stands before it on the command line; the shell completes it."""

    name = "task"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The tasks that begin so."""
        from pydag import app

        # While the option has no value yet, click leaves what stands before it as arguments.
        job = ctx.params.get("job") or next(iter(ctx.args), None)
        with _in_silence():
            return _offered((task.name for task in app.job_spec(job).tasks), incomplete) if job else []
        return []


# Click's own takes the backslashes off the candidates again, and lets bash expand what is left.
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            file | dir) compopt -o default ;;
        esac
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete $1)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class QuotingBash(BashComplete):
    """Bash puts a candidate into the line as it is: a name with spaces or `$(...)` has to come quoted."""

    source_template = _BASH

    def format_completion(self, item: CompletionItem) -> str:
        """With backslashes, unless the word that is completed begins with a quote already."""
        words = os.environ["COMP_WORDS"].split("\n")
        place = int(os.environ["COMP_CWORD"])
        quoted = place < len(words) and words[place][:1] in ("'", '"')
        return super().format_completion(
            CompletionItem(item.value if quoted else re.sub(_SPECIAL, r"\\\g<0>", item.value), item.type)
        )


def _offered(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@contextmanager
def _in_silence() -> Iterator[None]:
    """A message in the middle of somebody's command line helps nobody; the command itself will tell."""
    try:
        yield
    except PyDagException:
        return
