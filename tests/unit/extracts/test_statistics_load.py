"""Statistics among the files of a folder: recognised by content, newest vintage, quarters, archive."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fictional_files import data_file, data_line, file_of
from fictional_statistics import (
    ae_file,
    ae_line,
    ambulance_sheet,
    cancer_extract,
    cancer_row,
    community_tables,
    rtt_csv,
    rtt_line,
    trust_line,
)
from fictional_workbook import workbook, zip_of
from hypothesis import assume, given
from hypothesis import strategies as st

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.errors import InputRejected
from dagster_project.extracts import rows
from dagster_project.extracts.load import LoadedExtracts, load_archived, load_folder
from dagster_project.extracts.recognise import recognise

EVERY_SOURCE = {
    "ae_attendances": ae_file(ae_line()),
    "ambulance_systems": ambulance_sheet(["2025-26", "JUNE", "Z01", "AMBULANCE NHS TRUST", 1, 2]),
    "cancer_waiting_times": cancer_extract(cancer_row()),
    "community_waiting_lists": community_tables(("Provider", "Z01", "TRUST", 1, 2)),
    "ods_trusts": file_of(trust_line(), bom=False),
    "rtt_waiting_times": zip_of({"rtt.csv": rtt_csv(rtt_line())}),
}


def load(folder: Path, files: dict[str, bytes], archive: Archive | None = None) -> LoadedExtracts:
    folder.mkdir(exist_ok=True)
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    return load_folder(folder, archive)


@pytest.fixture
def every_source() -> dict[str, bytes]:
    """All statistics and a framework file, under names that say nothing but the format."""
    named = {
        f"file-{at}{'.csv' if not raw.startswith(b'PK') else '.zip' if source.startswith('rtt') else '.xlsx'}": raw
        for at, (source, raw) in enumerate(EVERY_SOURCE.items())
    }
    return named | {"data.csv": data_file(data_line())}


def test_each_statistic_is_recognised_by_its_content_alone(
    tmp_path: Path, every_source: dict[str, bytes]
) -> None:
    loaded = load(tmp_path / "files", every_source)
    assert sorted(loaded.extract["source"]) == sorted([*EVERY_SOURCE, "nof_data"])
    assert not loaded.ignored
    assert loaded.is_sample
    tables = loaded.extract.set_index("source")["table_name"]
    assert tables["nof_data"] == "acute"
    assert tables.drop("nof_data").isna().all()
    assert loaded.organisation_reference["organisation_code"].tolist() == ["Z01"]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("other.zip", zip_of({"notes.txt": b"hello"})),
        ("other.zip", zip_of({"../notes.txt": b"hello"})),
        ("other.zip", zip_of({"monthly.csv": b"Period,Org Code\n"})),
        ("other.xlsx", workbook({"Raw": [["Year", "Month"]], "Table 4": [["Organisation Type"]]})),
        ("other.docx", zip_of({"word/document.xml": b"<w/>"})),
        ("cut.docx", zip_of({"word/document.xml": b"<w/>"})[:-30]),
    ],
)
def test_archives_and_workbooks_of_other_kinds_are_passed_over(tmp_path: Path, name: str, raw: bytes) -> None:
    loaded = load(tmp_path, {name: raw, "data.csv": data_file(data_line())})
    assert [note.file for note in loaded.ignored] == [name]
    assert loaded.ignored[0].text


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("half.xlsx", EVERY_SOURCE["cancer_waiting_times"][:-400]),
        ("half.zip", EVERY_SOURCE["rtt_waiting_times"][:-60]),
        ("zip.csv", EVERY_SOURCE["rtt_waiting_times"]),
        ("page.xlsx", b"<html></html>"),
        ("out.zip", zip_of({"../rtt.csv": rtt_csv(rtt_line())})),
    ],
)
def test_half_files_and_other_content_under_a_data_name_are_rejected(
    tmp_path: Path, name: str, raw: bytes
) -> None:
    with pytest.raises(InputRejected, match=name):
        load(tmp_path, {name: raw, "data.csv": data_file(data_line())})


def test_the_first_bytes_of_an_archive_alone_say_nothing() -> None:
    assert recognise(EVERY_SOURCE["rtt_waiting_times"], "a.zip").source is None


def test_only_the_statistics_of_the_quarters_asked_for_stay(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "data.csv": data_file(data_line()),
            "june.csv": ae_file(ae_line()),
            "july.csv": ae_file(ae_line(period="MSitAE-JULY-2025"), ae_line("NT9")),
            "etr.csv": EVERY_SOURCE["ods_trusts"],
        },
    )
    chosen = loaded.for_quarters(["2025-26-Q1"])
    assert set(chosen.statistic_row["period"]) == {"2025-06"}
    assert sorted(chosen.extract["file_name"]) == ["data.csv", "etr.csv", "june.csv"]
    assert chosen.row_set_aside["reason"].tolist() == ["a total row"]
    assert len(chosen.organisation_reference) == 1


def attendances(loaded: LoadedExtracts) -> dict[str, int]:
    """The unbooked type 1 attendances of each organisation."""
    counts = loaded.statistic_row
    counts = counts[(counts["category"] == "type 1; unbooked") & (counts["measure"] == "attendances")]
    assert not counts["organisation_code"].duplicated().any()
    return {
        code: int(value) for code, value in zip(counts["organisation_code"], counts["value"], strict=True)
    }


OLD = ae_file(ae_line(), ae_line("Z02"))
NEW = ae_file(ae_line(counts="111,0,50,4,0,1,30,0,2,1,0,0"))


def test_a_reissue_of_a_month_replaces_the_file_as_a_whole(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"Monthly-AE-June-2025.csv": OLD, "Monthly-AE-June-2025-revised.csv": NEW})
    assert attendances(loaded) == {"Z01": 111}
    files = loaded.extract.set_index("file_name")
    revised = files.loc["Monthly-AE-June-2025-revised.csv"]
    assert revised["release_state"] == "revised"
    assert revised["supersedes"] == files.loc["Monthly-AE-June-2025.csv", "extract_id"]
    assert "1 of 12 counts differ" in loaded.notes[-1].text


def test_a_month_does_not_supersede_another_month_of_its_quarter(tmp_path: Path) -> None:
    may = ae_file(ae_line(period="MSitAE-MAY-2025"))
    loaded = load(tmp_path, {"Monthly-AE-May-2025.csv": may, "Monthly-AE-June-2025-revised.csv": NEW})
    assert set(loaded.statistic_row["period"]) == {"2025-05", "2025-06"}
    assert loaded.extract["supersedes"].isna().all()


def test_a_longer_series_is_newer_and_organisations_that_it_lacks_stay(tmp_path: Path) -> None:
    july = [ae_line(code, period="MSitAE-JULY-2025") for code in ("Z03", "Z04")]
    longer = ae_file(ae_line(counts="111,0,50,4,0,1,30,0,2,1,0,0"), *july)
    loaded = load(tmp_path, {"b.csv": OLD, "a.csv": longer})
    assert attendances(loaded) == {"Z01": 111, "Z02": 100, "Z03": 100, "Z04": 100}
    assert loaded.extract["supersedes"].isna().all()


def test_final_counts_stand_over_provisional_ones_of_a_longer_series(tmp_path: Path) -> None:
    final = cancer_extract(cancer_row(total=20))
    provisional = cancer_extract(cancer_row(total=10), cancer_row(total=7, month=date(2025, 7, 1)))
    loaded = load(
        tmp_path,
        {"Apr-to-Jun-Provider-Final.xlsx": final, "Apr-to-Jul-Provider.xlsx": provisional},
    )
    totals = loaded.statistic_row[loaded.statistic_row["measure"] == "fds_28_day_total"]
    assert dict(zip(totals["period"], totals["value"], strict=True)) == {"2025-06": 20, "2025-07": 7}
    assert sorted(loaded.extract["release_state"]) == ["final", "provisional"]


@given(
    first=st.from_regex(r"[a-zA-Z0-9]{1,6}", fullmatch=True),
    second=st.from_regex(r"[a-zA-Z0-9]{1,6}", fullmatch=True),
    swapped=st.booleans(),
)
def test_letters_at_the_end_of_a_name_never_say_which_of_two_files_is_newer(
    first: str, second: str, swapped: bool
) -> None:
    assume(first.casefold() != second.casefold())
    assume(not {first[:1].casefold(), second[:1].casefold()} & {"v"} and "final" not in f"{first} {second}")
    names = [f"June-2025-CSV-x{letters}.csv" for letters in (first, second)]
    with (
        TemporaryDirectory() as folder,
        pytest.raises(InputRejected, match="says which file is newer") as error,
    ):
        load(Path(folder), dict(zip(reversed(names) if swapped else names, (OLD, NEW), strict=True)))
    assert all(name in str(error.value) for name in names)


def test_of_three_names_for_one_month_the_revised_one_stands_whatever_its_place_in_the_alphabet(
    tmp_path: Path,
) -> None:
    cut = ae_file(ae_line(counts="999,0,50,4,0,1,30,0,2,1,0,0"))
    files = {"June-Provisional.csv": OLD, "June-New-ICB-Structure.csv": cut, "A-June-revised.csv": NEW}
    assert attendances(load(tmp_path, files))["Z01"] == 111


def test_another_cut_of_the_same_counts_needs_no_order_and_one_of_other_counts_is_refused(
    tmp_path: Path,
) -> None:
    same = OLD.rstrip(b"\r\n") + b"\r\n\r\n"
    loaded = load(tmp_path / "same", {"June-Provisional.csv": OLD, "June-Provisional-New-ICB.csv": same})
    assert attendances(loaded) == {"Z01": 100, "Z02": 100}
    with pytest.raises(InputRejected, match="June-Provisional-New-ICB"):
        load(tmp_path / "other", {"June-Provisional.csv": OLD, "June-Provisional-New-ICB.csv": NEW})


def test_the_day_on_which_files_were_first_seen_orders_them_where_the_publisher_does_not(
    tmp_path: Path,
) -> None:
    archive = Archive(tmp_path / "archive", clock=lambda: datetime(2025, 9, 1, tzinfo=UTC))
    load(tmp_path / "first", {"June-zzz.csv": OLD}, archive)
    loaded = load(tmp_path / "second", {"June-zzz.csv": OLD, "June-aaa.csv": NEW}, archive)
    assert attendances(loaded)["Z01"] == 111
    assert "because it was first seen later" in loaded.notes[-1].text
    same_day = Archive(tmp_path / "same day", clock=lambda: datetime(2025, 9, 1, tzinfo=UTC))
    for name, raw in (("June-zzz.csv", OLD), ("June-aaa.csv", NEW)):
        load(tmp_path / name, {name: raw}, same_day)
    with pytest.raises(InputRejected, match="says which file is newer"):
        load_archived(same_day)


def test_the_words_of_the_link_order_files_whose_names_say_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    for name, raw, words in (
        ("June-zzz.csv", OLD, "June 2025"),
        ("June-aaa.csv", NEW, "June 2025 (revised)"),
    ):
        read = load(tmp_path / name, {name: raw}).extract.iloc[0]
        archive.store(raw)
        archive.record([Sighting(
            read["extract_id"], name, read["source"], None, ("2025-26-Q1",), len(raw), "provisional", None,
            True, f"https://x.test/{name}", link_text=words,
        )])  # fmt: skip
    loaded = load_archived(archive)
    assert attendances(loaded)["Z01"] == 111
    states = dict(zip(loaded.extract["file_name"], loaded.extract["release_state"], strict=True))
    assert states == {"June-zzz.csv": "provisional", "June-aaa.csv": "revised"}


def test_lists_of_organisations_that_differ_and_of_which_neither_is_newer_are_refused(tmp_path: Path) -> None:
    one = file_of(trust_line(), bom=False)
    other = file_of(trust_line().replace("ASHFORD", "ANOTHER"), bom=False)
    with pytest.raises(InputRejected, match="1 organisations that differ"):
        load(tmp_path, {"etr-k7f.csv": one, "etr-a2b.csv": other})


def test_the_newest_list_of_organisations_wins(tmp_path: Path) -> None:
    old = file_of(trust_line(), trust_line("Z02"), bom=False)
    new = file_of(trust_line(closed="20260331"), bom=False)
    loaded = load(tmp_path, {"z.csv": old, "a.csv": new})
    reference = loaded.organisation_reference.set_index("organisation_code")["closed_on"]
    assert str(reference["Z01"]) == "2026-03-31"
    assert set(reference.index) == {"Z01", "Z02"}


def test_fictional_and_official_statistics_never_mix(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="never mixes"):
        load(tmp_path, {"a.csv": ae_file(ae_line()), "b.csv": data_file(data_line("R0Z"))})


def test_everything_is_the_same_again_from_the_archive(
    tmp_path: Path, every_source: dict[str, bytes]
) -> None:
    archive = Archive(tmp_path / "archive")
    loaded = load(tmp_path / "files", every_source, archive)
    again = load_archived(archive)
    for name in ("extract", "extract_row", "statistic_row", "organisation_reference", "row_set_aside"):
        assert getattr(again, name).equals(getattr(loaded, name)), name
    assert len(archive.sightings()) == len(every_source)
    damaged = archive.path_of(str(loaded.statistic_row["extract_id"].iloc[0]))
    damaged.chmod(0o644)
    damaged.write_bytes(b"damaged")
    with pytest.raises(InputRejected, match="damaged"):
        load_archived(archive)


@pytest.mark.parametrize("name", ["statistic_row", "organisation_reference", "extract"])
def test_the_frames_fit_their_schemas(tmp_path: Path, every_source: dict[str, bytes], name: str) -> None:
    loaded = load(tmp_path / "files", every_source)
    schema = getattr(rows, name.upper())
    rows.write_parquet(getattr(loaded, name), tmp_path / "rows.parquet", schema)
    again = load(tmp_path / "files", every_source)
    rows.write_parquet(getattr(again, name).iloc[::-1], tmp_path / "again.parquet", schema)
    assert (tmp_path / "rows.parquet").read_bytes() == (tmp_path / "again.parquet").read_bytes()
