"""Files made to do harm, or damaged as if they were: each ends in a sentence, in bounded time and memory."""

from __future__ import annotations

import io
import os
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fictional_files import DATA_HEADER, data_file, data_line
from fictional_statistics import cancer_extract, cancer_row, rtt_csv, rtt_line
from fictional_workbook import workbook, zip_of

from dagster_project.archive.archive import Archive
from dagster_project.catalogue import catalogue
from dagster_project.catalogue.catalogue import load_catalogue
from dagster_project.errors import InputRejected, WrongUsage
from dagster_project.explanation.recomputation.counted_cells import StatisticFile
from dagster_project.extracts.folder_files import what_it_is
from dagster_project.extracts.known_quarters import covered_quarters
from dagster_project.extracts.load import load_folder
from dagster_project.extracts.readers import sheets
from dagster_project.extracts.readers.rtt_waiting_times import read_rtt_waiting_times
from dagster_project.releases.folder import read_release_file

LONGEST = 20
SHEET = "xl/worksheets/sheet1.xml"
DEEP = "[" * 200_000 + "]" * 200_000


@pytest.fixture(autouse=True)
def _in_bounded_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST


def refused(folder: Path, **files: bytes) -> str:
    for name, content in files.items():
        (folder / f"{name}.csv").write_bytes(content)
    with pytest.raises(InputRejected) as caught:
        load_folder(folder, None)
    return str(caught.value)


def rewritten(raw: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    changed = change(members[name])
    assert changed != members[name]
    return zip_of(members | {name: changed})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'r="A2"', b'r="XFD1048576"'),
        (b'r="A2"', b"r = 'xfd1048576'"),
        (b'<c r="A2"', b'<c s=">" r="XFD1048576"'),
        (b'<c r="A2"', b'<c s="<" r="XFD1048576"'),
        (b'<row r="2"><c r="A2"', b'<row r="1000000"><c r="ZZ2"'),
        (b'<row r="2"><c r="A2"', b'<row r="99999999999999999999"><c'),
        (b'<row r="2">', b'<row r="1048576">' + b"<c/>" * 20),
    ],
)
def test_a_workbook_that_reaches_far_is_refused_before_it_is_held(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    raw = rewritten(cancer_extract(cancer_row()), SHEET, lambda body: body.replace(old, new, 1))
    (tmp_path / "CWT.xlsx").write_bytes(raw)
    assert "sheets of at most 10,000,000 cells" in refused(tmp_path)


def test_a_workbook_of_the_archive_that_reaches_far_is_refused_by_who_adds_it_up_again(
    tmp_path: Path,
) -> None:
    raw = rewritten(
        cancer_extract(cancer_row()), SHEET, lambda body: body.replace(b'r="A2"', b'r="XFD1048576"')
    )
    archive = Archive(tmp_path / "archive")
    extract = {
        "extract_id": archive.store(raw),
        "source": "cancer_waiting_times",
        "file_name": "CWT.xlsx",
    }
    with pytest.raises(InputRejected, match="sheets of at most 10,000,000 cells"):
        StatisticFile(archive, extract).total([("Sheet1", 2)], "anything")


def test_a_place_is_found_where_the_parts_of_a_sheet_are_cut() -> None:
    for padding in range(1024**2 - 40, 1024**2):
        far = sheets._Reach()
        body = b" " * padding + b'<row r="1"><c r="XFD1048576">'
        far.read(body[: 1024**2])
        far.read(body[1024**2 :] + b"</c>")
        assert (far.rows, far.columns) == (1_048_576, 16_384)


def test_cells_that_dont_say_where_they_stand_follow_those_that_do() -> None:
    reach = sheets._Reach()
    reach.read(b'<row r="7"><c r="A7"/></row><row r="9"><c r="C9"/><c r="D9"/><')
    assert (reach.rows, reach.columns) == (9, 4)
    reach.read(b"c/><c/></row><row/><c/><")
    assert (reach.rows, reach.columns) == (10, 6)


def test_a_workbook_that_was_read_before_is_held_to_the_limit_of_who_asks() -> None:
    raw = workbook({"A": [["x"]]})
    sheets.open_workbook(raw, "a.xlsx")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        sheets.check_workbook(archive, "a.xlsx")
        with pytest.raises(InputRejected, match="at most 100 bytes when unpacked"):
            sheets.check_workbook(archive, "a.xlsx", most_bytes=100)


@pytest.mark.parametrize("cut", [1, 7, 30, 10_000])
def test_rows_and_cells_that_dont_say_where_they_are_follow_the_last_that_does(cut: int) -> None:
    placed = b'<row r="70"><c r="B70"/><c r="D70"/></row>'
    reach = sheets._Reach()
    for part in (placed, b"<row><c/><c/></row>", b'<row r="80"><c r="H80"/>', b"<c/><x:c/></row><row><c/>"):
        for start in range(0, len(part), cut):
            reach.read(part[start : start + cut])
    reach.read(b"<end/>")
    assert (reach.rows, reach.columns) == (81, 10)


def test_a_workbook_that_was_refused_is_refused_again(tmp_path: Path) -> None:
    raw = rewritten(
        cancer_extract(cancer_row()), SHEET, lambda body: body.replace(b'r="A2"', b'r="XFD1048576"')
    )
    (tmp_path / "CWT.xlsx").write_bytes(raw)
    assert refused(tmp_path) == refused(tmp_path)


def test_cells_that_dont_say_where_they_stand_are_read_as_before() -> None:
    import re

    raw = rewritten(
        workbook({"A": [["x", "y"], [1, 2]]}),
        SHEET,
        lambda body: re.sub(rb'(<c) r="[A-Z]+[0-9]+"', rb"\1", body),
    )
    rows = sheets.sheet_rows(sheets.open_workbook(raw, "a.xlsx"), "A", "a.xlsx")
    assert rows == [["x", "y"], [1.0, 2.0]]


def test_a_workbook_that_declares_entities_is_refused(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    raw = rewritten(cancer_extract(cancer_row()), SHEET, lambda body: bomb + body)
    (tmp_path / "CWT.xlsx").write_bytes(raw)
    assert "entities" in refused(tmp_path)


def test_a_part_of_a_workbook_that_unpacks_beyond_measure_is_refused(tmp_path: Path) -> None:
    raw = rewritten(cancer_extract(cancer_row()), SHEET, lambda body: body + b" " * 150_000_000)
    (tmp_path / "CWT.xlsx").write_bytes(raw)
    assert "a ZIP bomb" in refused(tmp_path)


def test_a_zip_in_a_zip_is_never_opened(tmp_path: Path) -> None:
    nested = zip_of({"data.csv": data_file(data_line())})
    for _ in range(50):
        nested = zip_of({"inner.zip": nested})
    (tmp_path / "nested.zip").write_bytes(nested)
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))
    assert [note.file for note in load_folder(tmp_path, None).ignored] == ["nested.zip"]


def test_folders_nested_beyond_measure_are_refused(tmp_path: Path) -> None:
    where = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=where)
        inner = os.open("d", os.O_RDONLY, dir_fd=where)
        os.close(where)
        where = inner
    os.close(where)
    try:
        assert "folders at most 40 deep" in refused(tmp_path)
    finally:
        # Taken apart from the top, since no program can name the innermost.
        while (tmp_path / "d" / "d").exists():
            (tmp_path / "d" / "d").rename(tmp_path / "e")
            (tmp_path / "d").rmdir()
            (tmp_path / "e").rename(tmp_path / "d")


@pytest.mark.parametrize(
    ("name", "words"),
    [(b"data\xff.csv", "a name in UTF-8"), (b"data\x1b[31m.csv", "control"), (b"a\nb.csv", "control")],
)
def test_a_name_that_cant_be_shown_is_refused_and_shown_escaped(
    tmp_path: Path, name: bytes, words: str
) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(data_file(data_line()))
    message = refused(tmp_path)
    assert words in message
    assert message.isprintable()


def test_a_link_to_itself_is_refused_and_one_to_a_folder_above_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(load_folder(tmp_path, None).extract) == 1
    (tmp_path / "self.csv").symlink_to(tmp_path / "self.csv")
    assert "a link that leads to itself" in refused(tmp_path)


def test_pipes_sockets_and_devices_are_passed_over_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(tmp_path)
        listening.bind("socket.csv")
        os.chdir(before)
        loaded = load_folder(tmp_path, None)
    assert [note.file for note in loaded.ignored] == ["pipe.csv", "socket.csv", "zero.csv"]


def test_what_file_managers_leave_beside_the_files_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))
    for name in ("._data.csv", ".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r"):
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    loaded = load_folder(tmp_path, None)
    assert (len(loaded.extract), loaded.ignored) == (1, ())


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_folder_that_cant_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert "can be read" in refused(tmp_path)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (DATA_HEADER + '\r\n"' + "x" * 500_000, "can't be read to its end"),
        (DATA_HEADER + "\r\n" + data_line(name="x" * 200_000), "field larger than field limit"),
        (DATA_HEADER + "\r\n" + data_line() + "," * 1_500_000, "lines of at most 1,000,000"),
        (DATA_HEADER + "\n" * 3_000_001, "at most 3,000,000 lines"),
        (DATA_HEADER + ",x" * 400_000 + "\r\n" + data_line(), "at most 2,000 columns"),
        (DATA_HEADER + "\r\n" + data_line() + "\r\n" * 40_000 + data_line(name="a\0b"), "NUL"),
    ],
)
def test_text_beyond_measure_is_refused(tmp_path: Path, body: str, words: str) -> None:
    assert words in refused(tmp_path, data=body.encode())


def test_a_file_larger_than_its_source_may_be_is_refused_before_it_is_read(
    tmp_path: Path,
) -> None:
    most = catalogue.largest_file("nof_data")
    with (tmp_path / "data.csv").open("wb") as file:
        file.write(data_file(data_line()))
        file.write(b"\r\n" * (most // 2))
    assert f"at most {most:,} bytes of nof_data" in refused(tmp_path)
    assert catalogue.largest_file("rtt_waiting_times") > 85_011_853


def test_a_file_generated_for_more_organisations_may_be_so_many_times_as_large(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(data_file(data_line()) + b"\r\n" * (catalogue.largest_file("nof_data") // 2))
    assert what_it_is(file, tmp_path, times_as_large=2).source == "nof_data"
    with pytest.raises(InputRejected, match="largest_megabytes"):
        what_it_is(file, tmp_path, times_as_large=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw + b"\0" * 10, "NUL"),
        (lambda raw: raw + b"x" * 3_000_000, "a longer one"),
        (lambda raw: raw + b'"' + b"line\r\n" * 40_000, "a quote may not be closed"),
        (lambda raw: raw.decode().encode("utf-16"), "UTF-16"),
        (lambda raw: raw.replace(b",", b";"), "semicolons"),
        (lambda raw: raw.replace(b"C_999", b"C_998"), "a row C_999"),
    ],
)
def test_a_large_extract_beyond_measure_is_refused(
    tmp_path: Path, change: Callable[[bytes], bytes], words: str
) -> None:
    path = tmp_path / "rtt.csv"
    path.write_bytes(change(rtt_csv(rtt_line())))
    with pytest.raises(InputRejected, match=words):
        read_rtt_waiting_times(path, file_name=path.name, extract_id="a" * 64)


def test_a_large_extract_below_title_lines_is_read_at_its_own_lines(tmp_path: Path) -> None:
    path = tmp_path / "rtt.csv"
    plain = rtt_csv(rtt_line(), rtt_line("Z02")).removeprefix(b"\xef\xbb\xbf")
    found = []
    for above in (b"", b"RTT,full extract\r\n\r\n", b"one\r\ntwo\r\n"):
        path.write_bytes(above + plain)
        read = read_rtt_waiting_times(path, file_name=path.name, extract_id="a" * 64)
        found.append((read.statistic_row["value"].tolist(), set(read.statistic_row["source_row"])))
    assert [lines for _, lines in found] == [{2, 3}, {4, 5}, {4, 5}]
    assert found[0][0] == found[1][0] == found[2][0]


def test_json_nested_beyond_measure_is_refused_wherever_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text(DEEP)
    with pytest.raises(InputRejected, match="nested deeper"):
        read_release_file(tmp_path)
    archive = Archive(tmp_path / "archive")
    archive.root.mkdir()
    archive.manifest.write_text(DEEP + "\n")
    with pytest.raises(InputRejected, match="nested deeper"):
        archive.sightings()
    archive.coverage.write_text(DEEP)
    assert covered_quarters(archive) == {}


@pytest.mark.parametrize(
    "text",
    [
        "sources: " + "[" * 200_000,
        "a: &a [x, x]\n"
        + "".join(
            f"a{at}: &a{at} [*a{at - 1 if at else ''}, *a{at - 1 if at else ''}]\n" for at in range(30)
        ),
        "# " + "x" * 1_000_001,
    ],
)
def test_a_catalogue_that_grows_beyond_measure_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.yml"
    path.write_text(text)
    with pytest.raises(WrongUsage, match="Mend the file"):
        load_catalogue(path)
