"""A command that starts without a shell shows nothing that it would not show under `bash -c`."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pydag.engines.simple_command import simple_words
from tests.support.local_starts import starts_with

SHOW = f"""#!{sys.executable} -IS
import os, sys
status = open("/proc/self/status").read()
shown = ("SigBlk", "SigIgn", "SigCgt", "PPid", "Umask", "NoNewPrivs", "CapEff")
print(sys.argv, os.getcwd(), os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid(), os.listdir("/proc/self/fd"))
print([line for line in status.splitlines() if line.startswith(shown)])
for variable in sorted(os.environb.items()):
    print(variable)
"""
SYSTEM = "/usr/bin:/bin"
STRICT = ("-eo", "pipefail")
Variables = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with programs that are easily taken for another."""
    room = tmp_path_factory.mktemp("room")
    programs = {
        "show": SHOW,
        "one/show": "#!/bin/sh\necho the first show: $0 $_ $*\n",
        "fails": "#!/bin/sh\nexit 3\n",
        "dies": "#!/bin/sh\nkill -9 $$\n",
        "script": "echo without an interpreter: $0 $SHLVL $*\n",
        "bad": "#!/no/such/interpreter\n",
        "empty": "",
        "two/plain": "#!/bin/sh\necho the executable one\n",
        **{f"one/{name}": "#!/bin/sh\necho not the builtin\n" for name in ("echo", "true", "test", "kill", "time")},
    }
    for name in ("one/folder", "two"):
        (room / name).mkdir(parents=True)
    for name, text in programs.items():
        (room / name).write_text(text)
        (room / name).chmod(0o755)
    (room / "one/plain").write_text("#!/bin/sh\necho never\n")
    (room / "two/folder").write_text("#!/bin/sh\necho behind a directory\n")
    (room / "two/folder").chmod(0o755)
    (room / "one/dangling").symlink_to("nowhere")
    (room / "two/dangling").symlink_to(room / "fails")
    (room / "alias").symlink_to(room)
    return room


def assert_no_difference(room: Path, command: str, environ: Variables, variables: Variables) -> bool:
    """Whether it started without a shell, after which it must have shown the same as under bash, strict or not."""
    with chdir(room), starts_with(dict(environ)) as starts:
        directly = starts.directly(command, *variables)
        if directly is None:
            return False
        for options in ((), STRICT):
            with_bash = starts.with_bash(command, *variables, options=options)
            assert directly[0].returncode == with_bash[0].returncode
            assert lines_of(directly[1]) == lines_of(with_bash[1])
    return True


def lines_of(output: bytes) -> list[bytes]:
    """What was written, without its order: bash arranges the environment in one of its own."""
    return sorted(output.replace(b"\0", b"\n").splitlines())


PATHS = """
/usr/bin:/bin ONE:TWO:ROOM:/usr/bin TWO:ONE:/usr/bin ROOM:/usr/bin ROOM/:/usr/bin ROOM//one:/usr/bin ~:/usr/bin
ROOM/./two:ROOM/one/../two:/bin /no:/usr/bin one :/usr/bin /usr/bin: /usr/bin::ROOM
"""
PROGRAMS = """
show fails dies script bad empty plain folder dangling env echo true false test kill time printf ls cd ./show one/show
./one ../x /bin/ls /usr/bin/env /no/such ROOM/show nothing exec wait if [ [[ { ! coproc
"""
ARGUMENTS = r"""
-n --help a=b x -- - . %1 a:b a,b '' a'*'b "$HOME" #x a#b ~ ~/x a=~ * ? [ab] {a,b} '\n' \n $x $(id) `id` "`id`" !
a!b '!' & | ; >x 2>&1 <x é ( ) ^ + @ 'it'"'"'s'
"""
NAMES = """
A a_1 a.b 1x é PWD OLDPWD HOME SHLVL _ IFS PS1 PS4 LC_ALL LANG LC_CTYPE BASH_ENV ENV SHELLOPTS BASHOPTS POSIXLY_CORRECT
BASH_COMPAT BASH_XTRACEFD BASH_FUNC_show%% BASH_FUNC_ls%% GLOBIGNORE EXECIGNORE TMOUT histchars RANDOM SECONDS UID PPID
OPTIND LINES COLUMNS HOSTNAME SHELL TERM TZ MAIL HISTSIZE TMPDIR LD_PRELOAD SSH_CLIENT BASH BASHPID BASH_VERSION LINENO
FUNCNAME GROUPS DIRSTACK PIPESTATUS FUNCNEST CDPATH
"""
VALUES = """
1 0 -1 999 1001 x é \udcff ROOM ROOM/alias ROOM/ ROOM/one/.. / C C.UTF-8 xx_XX xtrace ROOM/script * on posix ~
"""
SEPARATORS = [" ", "  ", "\t", "\n", "\r", "\u00a0", "\\\n", ""]

arguments = st.sampled_from([*ARGUMENTS.split(), "'a b'", '"a b"', "\udcff", "\x01", "\x7f"])
values = st.sampled_from([*VALUES.split(), "", "a b", "a\nb", "() { echo function; }"])
paths = st.sampled_from([*PATHS.split(), ""])
words = st.lists(st.tuples(st.sampled_from(SEPARATORS), arguments), max_size=3)
rests = words.map(lambda words: "".join(separator + word for separator, word in words))
programs = st.sampled_from(PROGRAMS.split())
variable_lists = st.lists(st.tuples(st.sampled_from(NAMES.split()), values), max_size=2)
differential = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_nothing_differs(
    room: Path, command: str, path: str, environ: Variables = (), variables: Variables = ()
) -> None:
    def placed(text: str) -> str:
        return text.replace("ROOM", str(room)).replace("ONE", f"{room}/one").replace("TWO", f"{room}/two")

    assert_no_difference(
        room,
        placed(command),
        [(name, placed(value)) for name, value in [("PATH", path), *environ]],
        [(name, placed(value)) for name, value in variables],
    )


@differential
@given(program=programs, rest=rests)
def test_no_command_differs(room: Path, program: str, rest: str) -> None:
    assert_nothing_differs(room, program + rest, f"ROOM:TWO:{SYSTEM}")


@differential
@given(program=programs, path=paths, of_task=st.none() | paths)
@example("folder", "ONE:TWO:ROOM:" + SYSTEM, None)
@example("show", SYSTEM, "TWO:ROOM:" + SYSTEM)
def test_no_program_on_any_path_differs(room: Path, program: str, path: str, of_task: str | None) -> None:
    assert_nothing_differs(room, f"{program} x", path, (), [] if of_task is None else [("PATH", of_task)])


@differential
@given(environ=variable_lists)
@example([("SHLVL", "3"), ("PWD", "ROOM/alias"), ("OLDPWD", "/")])
@example([("LC_ALL", "xx_XX")])
@example([("PWD", "/lie"), ("HOME", "ROOM/alias")])
def test_no_environment_differs(room: Path, environ: Variables) -> None:
    assert_nothing_differs(room, "show 'a b'", "ROOM:" + SYSTEM, environ)


@differential
@given(variables=variable_lists)
@example([("A", "\udcff\n")])
def test_no_variable_of_a_task_differs(room: Path, variables: Variables) -> None:
    assert_nothing_differs(room, "show", "ROOM:" + SYSTEM, [("A", "1")], variables)


@pytest.mark.parametrize(
    "command",
    ["true", "false", "echo", "echo one two", "show", "./show -n 'a b'", "show a=b", "/usr/bin/env -0", "dies"],
)
def test_an_ordinary_command_starts_without_a_shell_and_shows_the_same(room: Path, command: str) -> None:
    environ = [("PATH", f"{room}:{SYSTEM}"), ("LANG", "C.UTF-8"), ("SHLVL", "2"), ("PS1", "$ "), ("HOSTNAME", "here")]
    assert assert_no_difference(room, command, environ, [("INPUT", "a b")])


@pytest.mark.parametrize(
    "command", ["script", "bad", "empty", "plain", "folder", "no_such_program", "./no_such_program"]
)
def test_what_only_bash_can_explain_goes_to_bash(room: Path, command: str) -> None:
    assert not assert_no_difference(room, command, [("PATH", f"{room}/one:{room}:{SYSTEM}")], [])


@pytest.mark.parametrize("name", ["true", "echo"])
def test_a_builtin_is_not_replaced_by_whatever_program_bears_its_name(room: Path, name: str) -> None:
    assert assert_no_difference(room, name, [("PATH", f"{room}/one:{SYSTEM}")], [])


def test_a_program_that_appears_earlier_on_path_in_the_middle_of_a_run_is_started(room: Path, tmp_path: Path) -> None:
    with starts_with({"PATH": f"{tmp_path}:{room}:{SYSTEM}"}) as starts:
        before = starts.directly("fails")
        (tmp_path / "fails").write_text("#!/bin/sh\nexit 7\n")
        (tmp_path / "fails").chmod(0o755)
        after = starts.directly("fails")
    assert before is not None
    assert after is not None
    assert (before[0].returncode, after[0].returncode) == (3, 7)


def test_each_builtin_and_keyword_of_this_bash_goes_to_bash() -> None:
    names = subprocess.run(["bash", "-c", "compgen -b -k"], capture_output=True, text=True, check=True).stdout.split()
    assert len(names) > 70
    assert [name for name in names if simple_words(f"{name} word -x") not in (None, ("echo", "word", "-x"))] == []
    assert [name for name in names if simple_words(name)] == ["echo", "false", "true"]
