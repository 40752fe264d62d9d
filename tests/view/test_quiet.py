from __future__ import annotations

import io

import pytest

from pydag.model.run import RunRecord
from pydag.view.quiet import QuietReporter
from pydag.view.terminal import Display
from tests.support.samples import GOOD, STORY, STORY_ENDS, replay


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (GOOD, ""),
        (
            STORY_ENDS,
            """\
✗ `Feature Engineering1`: exit 1; its last output:
  │ one
  │ two and more
  │ broken
  all of it: pydag log TestJob --task-name 'Feature Engineering1' -n 1
TestJob: failed after 13s; 2 success, 1 failed, 2 skipped
""",
        ),
    ],
    ids=["success", "failed"],
)
def test_failures_alone_are_shown(record: RunRecord, expected: str) -> None:
    stream = io.StringIO()
    replay(QuietReporter(stream, Display()), STORY if record is STORY_ENDS else [], record)
    assert stream.getvalue() == expected
