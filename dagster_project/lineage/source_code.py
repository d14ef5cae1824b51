"""Where the code of a job stands, without naming a machine or a host: by content, and by git's revision if clean.

A SWHID (ISO/IEC 18670) is the hash that git itself gives a file, so whoever has the repository finds the very
bytes with `git cat-file`; a file that was changed after the revision still has its own.
"""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT

_CODE = ("dagster_project", "dbt", "expectations")


def content_url(path: str, root: Path = PROJECT_ROOT) -> str:
    """The SWHID of a file of the checkout; `path` is below `root`, with slashes."""
    content = (root / path).read_bytes()
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    anchor = revision(root)
    qualifier = f";anchor=swh:1:rev:{anchor}" if anchor else ""
    return f"swh:1:cnt:{digest}{qualifier};path=/{path}"


@cache
def revision(root: Path = PROJECT_ROOT) -> str | None:
    """The commit of the checkout; None without git, where the checkout isn't the repository, or if code differs."""
    top_and_commit = _git(root, "rev-parse", "--show-toplevel", "HEAD").splitlines()
    if len(top_and_commit) != 2 or Path(top_and_commit[0]).resolve() != root.resolve():
        return None
    changed = _git(root, "status", "--porcelain", "--", *_CODE)
    return None if changed else top_and_commit[1]


def _git(root: Path, *arguments: str) -> str:
    try:
        asked = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip()
