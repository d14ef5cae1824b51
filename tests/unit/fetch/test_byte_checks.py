"""Downloaded bytes are what they claim to be, or are refused with the address and what was found."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from local_publisher import CHALLENGE, source_at

from dagster_project.errors import InputRejected
from dagster_project.fetch.download import check_bytes

URL = "https://publisher.test/file"
CSV = b"Period,Code,Value\r\nJune 2025,Z01,1\r\n"


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def check(folder: Path, raw: bytes, file_name: str, **source: Any) -> None:
    path = folder / "download"
    path.write_bytes(raw)
    check_bytes(path, file_name, URL, source_at("https://publisher.test/", **source))


WORKBOOK = zipped(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>"))


@pytest.mark.parametrize(
    ("raw", "name", "formats"),
    [
        (CSV, "data.csv", ["csv"]),
        (CSV, "getReport", ["csv", "zip"]),
        (zipped(("data.csv", CSV)), "data.zip", ["zip"]),
        (zipped(("data.csv", CSV)), "getReport", ["csv", "zip"]),
        (WORKBOOK, "data.xlsx", ["xlsx"]),
    ],
)
def test_files_of_the_source_formats_pass(tmp_path: Path, raw: bytes, name: str, formats: list[str]) -> None:
    check(tmp_path, raw, name, formats=formats)


def link_to_elsewhere() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("data.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("raw", "name", "formats", "found"),
    [
        (CHALLENGE, "data.csv", ["csv"], r"expected comma-separated text \(csv\); found a web page"),
        (CHALLENGE, "data.zip", ["zip"], "found a web page"),
        (CHALLENGE, "getReport", ["csv"], "found a web page"),
        (zipped(("data.csv", CSV)), "data.csv", ["csv"], "found a ZIP archive or workbook"),
        (CSV, "data.zip", ["zip"], "expected a file of the format zip"),
        (CSV, "data.xlsx", ["csv"], "found the name 'data.xlsx'"),
        (b"%PDF-1.7 and more", "data.csv", ["csv"], "found a PDF document"),
        (b"a,b\r\n", "data.csv", ["csv"], "expected a file of 10 bytes or more; found 5 bytes"),
        (b"", "data.csv", ["csv"], "found 0 bytes"),
        (zipped(("data.csv", CSV * 99))[:-30], "data.zip", ["zip"], r"found one that can't be opened"),
        (zipped(("data.csv", CSV)), "data.xlsx", ["xlsx"], r"without xl/workbook\.xml"),
        (zipped(("readme.txt", CSV)), "data.zip", ["zip"], r"holds data files; found readme\.txt"),
        (zipped(("../data.csv", CSV)), "data.zip", ["zip"], r"'\.\./data\.csv', which leads out"),
        (zipped(("/etc/data.csv", CSV)), "data.zip", ["zip"], "'/etc/data.csv', which leads out"),
        (zipped(("a\\..\\data.csv", CSV)), "data.zip", ["zip"], "which leads out"),
        (zipped(("C:data.csv", CSV)), "data.zip", ["zip"], "'C:data.csv', which leads out"),
        (zipped((link_to_elsewhere(), CSV)), "data.zip", ["zip"], r"'data\.csv', a link"),
        (zipped(("data.csv", bytes(30_000_000))), "data.zip", ["zip"], "at most 200 times the packed size"),
        (zipped(("data.csv", bytes(2_500_000))), "data.zip", ["zip"], "at most 2,000,000 bytes"),
    ],
)
def test_other_bytes_are_refused_with_the_address_and_what_was_found(
    tmp_path: Path, raw: bytes, name: str, formats: list[str], found: str
) -> None:
    limit = 2 if "2,000,000" in found else 500
    with pytest.raises(InputRejected, match=found) as error:
        check(tmp_path, raw, name, formats=formats, largest_unpacked_megabytes=limit)
    assert error.value.file == URL


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="at most 1,000 files inside; found 1,001"):
        check(tmp_path, zipped(*((f"{n}.csv", b"") for n in range(1_001))), "data.zip", formats=["zip"])


def test_a_member_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    raw = bytearray(zipped(("data.csv", CSV * 50)))
    raw[60] ^= 0xFF
    with pytest.raises(InputRejected, match="a damaged member"):
        check(tmp_path, bytes(raw), "data.zip", formats=["zip"])


def test_a_file_of_another_source_is_refused(tmp_path: Path) -> None:
    raw = b"Quarter,Average_score,Likely_range_of_average_score,Segment,Trust_in_financial_deficit,Rank\r\n"
    with pytest.raises(
        InputRejected, match="expected a file of the source nof_data; found one of nof_league"
    ):
        check(tmp_path, raw, "data.csv", name="nof_data")
