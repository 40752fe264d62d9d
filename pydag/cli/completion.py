"""Completion: the script for each shell, and how candidates are written so that bash takes them as text."""

from __future__ import annotations

import os
import re

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

from pydag.cli.help import Command

# A character that bash may read as something other than itself.
_SPECIAL = re.compile(r"[^\w@%+=:,./\-\u0080-\U0010ffff]")


def complete(group: click.Command, instruction: str) -> int:
    """Print what a shell asks for with the variable _PYDAG_COMPLETE; gives the exit status."""
    add_completion_class(_QuotingBash)
    add_completion_class(_Zsh)
    add_completion_class(_WholeFish)
    return shell_complete(group, {}, "pydag", "_PYDAG_COMPLETE", instruction)


@click.command(
    cls=Command,
    examples=(
        ('eval "$(pydag completion bash)"', "in ~/.bashrc"),
        ('eval "$(pydag completion zsh)"', "in ~/.zshrc, after compinit"),
        ("pydag completion fish | source", "in ~/.config/fish/config.fish"),
    ),
    statuses=(0, 2),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, jobs and tasks in a shell.

    Put one of the lines below into the file that your shell reads when it starts, and open a new terminal.
    """
    complete(click.get_current_context().find_root().command, f"{shell}_source")


# Click's own script removes the backslashes of the candidates and lets bash expand the rest. It also knows only
# COMP_WORDS, which bash splits at `:` and `=` too. `$2` is what a candidate will replace.
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


class _QuotingBash(BashComplete):
    """Bash puts a candidate into the line as it is: a name with spaces or `$(...)` has to be quoted."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        words, _ = _words(os.environ["COMP_LINE"])
        return _dashed(words[1:-1], words[-1])

    def format_completion(self, item: CompletionItem) -> str:
        # Bash keeps the start of the word, up to COMP_WORD. The rest is quoted as the open quote there needs it.
        line = os.environ["COMP_LINE"]
        (*_, stays), quote = _words(line.removesuffix(os.environ["COMP_WORD"]))
        (*_, word), _ = _words(line)
        option, equals, _ = word.partition("=") if word.startswith("-") else ("", "", "")  # of --option=value
        whole = f"{option}={item.value}" if equals else item.value
        return super().format_completion(CompletionItem(_quoted(whole.removeprefix(stays), quote), item.type))


class _Zsh(ZshComplete):
    def get_completion_args(self) -> tuple[list[str], str]:
        return _dashed(*super().get_completion_args())


class _WholeFish(FishComplete):
    """Click's own script cuts a name at its first comma."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')

    def get_completion_args(self) -> tuple[list[str], str]:
        return _dashed(*super().get_completion_args())


def _dashed(words: list[str], incomplete: str) -> tuple[list[str], str]:
    """The options in these words as pydag spells them: click knows no other spelling while it completes."""
    *words, incomplete = (
        re.sub(r"^--[\w-]+", lambda name: name[0].replace("_", "-"), each) for each in (*words, incomplete)
    )
    return words, incomplete


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
    """The text so that bash takes it as it is, within this quote or, where it is empty, outside of quotes."""
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote == '"':
        # In double quotes a backslash before `!` would stay in the word.
        return re.sub(r'[$`"\\]', r"\\\g<0>", text).replace("!", "\"'!'\"")
    return _SPECIAL.sub(r"\\\g<0>", text)
