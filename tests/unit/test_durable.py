"""Writes that are cut off anywhere: a whole file is the old or the new one, a line is there, or told and kept."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project import durable

LINES = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=8), min_size=1, max_size=2), min_size=1, max_size=4
)


def as_line(row: dict[str, str]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


@settings(max_examples=60, deadline=None)
@given(rows=LINES, data=st.data())
def test_a_file_of_lines_cut_at_any_byte_loses_no_whole_line_and_keeps_the_torn_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("lines") / "manifest.jsonl"
    durable.append_lines(file, map(as_line, rows))
    raw = file.read_bytes()
    cut = data.draw(st.integers(0, len(raw)))
    file.write_bytes(raw[:cut])
    whole = [as_line(row) for row in rows]
    readable = durable.finished_lines(file)
    assert readable == whole[: len(readable)]
    torn = durable.torn_line(file)
    assert b"".join(line + b"\n" for line in readable).startswith(raw[:cut].removesuffix(torn))
    assert durable.mend_last_line(file) == torn
    durable.append_lines(file, [b'{"next": 1}'])
    assert durable.finished_lines(file) == [*readable, b'{"next": 1}']
    assert durable.torn_line(file) == b""
    kept = file.with_name("manifest.jsonl.torn")
    assert (kept.read_bytes() if kept.exists() else b"") == (torn + b"\n" if torn else b"")


@pytest.mark.parametrize("step", ["write_new_file", "flush", "put_in_place"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_file_whose_writer_is_killed_is_the_old_or_the_new_one(
    tmp_path: Path, step: str, moment: str
) -> None:
    file = tmp_path / "outcome.json"
    durable.write_whole(file, b"old" * 1000)
    child = os.fork()
    if child == 0:
        usual = getattr(durable, step)

        def die(*arguments: object) -> None:
            if moment == "after":
                usual(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(durable, step, die)
        durable.write_whole(file, b"new" * 2000)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert file.read_bytes() == (
        b"new" * 2000 if (step, moment) == ("put_in_place", "after") else b"old" * 1000
    )
    durable.write_whole(file, "third")
    assert file.read_text("utf-8") == "third"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "outcome.json"
    durable.write_whole(file, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "flush", full)
    with pytest.raises(OSError, match="No space"):
        durable.write_whole(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["outcome.json"]
    assert file.read_text() == "old"
