"""What the README shows is run as written, and what it names exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    # The commands `python` and `pydag` of the environment that runs the tests.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYDAG_HOME": str(tmp_path / "home")}


def shell(command: str, cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-ec", command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=120)


def test_the_first_job_runs_and_its_log_reads_as_shown(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "first.py").write_text(blocks("python")[0])
    (commands,) = [block for block in blocks("shell") if "python first.py" in block]
    done = shell(commands, tmp_path, environ)
    assert (done.returncode, done.stderr) in [(0, ""), (0, done.stderr if "dot" in done.stderr else "")]
    assert "<Report with 5 tasks>" in done.stdout
    assert "500500" in done.stdout
    assert (tmp_path / "Report.png").exists() or (tmp_path / "Report.dot").exists()
    again = shell("pydag run first.py", tmp_path, environ)
    assert again.returncode == 0


def test_the_example_in_the_repository_runs(tmp_path: Path, environ: dict[str, str]) -> None:
    done = shell(f"python {ROOT / 'example.py'}", tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert "<TestJob with 5 tasks>" in done.stdout


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    texts = [README, (ROOT / "CONTRIBUTING.md").read_text()]
    named = {target for text in texts for target in re.findall(r"^make (\w+)", text, re.MULTILINE)}
    assert {"example", "test", "check"} <= named
    assert [target for target in sorted(named) if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    assert [link for link in links if not (ROOT / link).exists()] == []
