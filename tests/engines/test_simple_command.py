"""Which commands need no shell, and which variables mean something to bash."""

import pytest

from pydag.engines.local.bash_environment import is_observable, is_plain, observed
from pydag.engines.simple_command import candidates, simple_words

NEEDS_BASH = r"""a=b ls
'ls'
-ls
%1
~/x
ls *
ls $x
ls "$x"
ls a\ b
ls ~
ls {a,b}
ls; ls
ls | cat
ls &
ls > x
(ls)
ls # all
!ls
ls !x
ls é
ls 'é'
ls 'open
echo -n x
echo 'a\nb'
true x
false --help
time ls
cd /
exec ls"""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ls", ("ls",)),
        ("python3 -m app --day=2024-01-01", ("python3", "-m", "app", "--day=2024-01-01")),
        ("./step.sh\t a,b  +%s user@host:/x", ("./step.sh", "a,b", "+%s", "user@host:/x")),
        ("grep 'a *b$' \"c d\"", ("grep", "a *b$", "c d")),
        ("x '' a'b c'\"d\"", ("x", "", "ab cd")),
        ("echo some words", ("echo", "some", "words")),
        ("true", ("true",)),
    ],
)
def test_a_simple_command_is_its_words(command: str, words: tuple[str, ...]) -> None:
    assert simple_words(command) == words


@pytest.mark.parametrize(
    "command",
    [*NEEDS_BASH.splitlines(), "", " ls", "ls ", "ls\n", "ls\u00a0x", "ls \x01", f"ls {'x' * 5000}"],
)
def test_whatever_else_a_command_holds_goes_to_bash(command: str) -> None:
    assert simple_words(command) is None


def test_programs_are_sought_as_on_path_and_a_path_that_means_something_special_goes_to_bash() -> None:
    assert candidates("x", "/a:/b/c") == ("/a/x", "/b/c/x")
    assert candidates("./x", "") == ("./x",)
    for path in ("", ":/a", "/a:", "/a::/b", "a", "~/a:/b", "/a/:/b", "/a//b", "/a:."):
        assert candidates("x", path) is None


@pytest.mark.parametrize(
    "name", ["BASH_ENV", "BASH_FUNC_ls%%", "ENV", "LC_ALL", "LD_PRELOAD", "IFS", "a.b", "SHELLOPTS"]
)
def test_a_variable_that_bash_obeys_is_not_plain(name: str) -> None:
    assert not is_plain(name, "x")
    assert is_plain(f"my_{name.replace('.', '').strip('%')}", "x")


def test_as_the_first_shell_of_a_connection_bash_may_read_a_file_that_nobody_sees() -> None:
    assert not is_observable({b"SSH_CLIENT": b"x"})
    assert is_observable({b"SSH_CLIENT": b"x", b"SHLVL": b"1"})


def test_what_bash_hands_on_has_to_be_explained() -> None:
    before = {b"A": b"1", b"PS1": b"$", b"SHLVL": b"3"}
    after = b"A=1\0PWD=/x\0SHLVL=3\0_=/usr/bin/env\0"
    assert observed(before, after) == {b"A": b"1", b"PWD": b"/x", b"SHLVL": b"3", b"_": b"/usr/bin/env"}
    for other in (
        b"",
        after[:-1],
        b"bash: a warning\n" + after,
        after + b"B=2\0",
        after.replace(b"A=1", b"A=2"),
        after[4:],
    ):
        assert observed(before, other) is None
