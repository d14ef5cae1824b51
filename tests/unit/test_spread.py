"""How tests are spread over workers: what makes a folder once is one worker's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GROUPED = """
import pytest

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_one_of_a_group(number):
    pass
"""


def test_tests_of_a_group_go_to_one_worker(tmp_path: Path) -> None:
    """pytest and xdist must fit: where they don't, groups are silently none, and each worker makes all folders."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    workers = {line.split("]")[0] for line in ended.stdout.splitlines() if " PASSED " in line}
    assert (ended.returncode, len(workers)) == (0, 1), ended.stdout
