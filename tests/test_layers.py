"""The layers of docs/design.md: modules import downwards only."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports


def test_modules_import_downwards_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out
