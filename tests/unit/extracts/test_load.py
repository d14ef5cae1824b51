"""From a folder of downloads to the rows of the newest vintage."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from fictional_files import data_file, data_line, league_file, league_line

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.archive.issue_names import reissue_number
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.extracts.load import LoadedExtracts, load_archived, load_folder
from dagster_project.quarters import Quarter


def load(folder: Path, **files: bytes) -> LoadedExtracts:
    """Loads files given as name=bytes; `__` stands for a folder and `_` for a hyphen."""
    for name, raw in files.items():
        path = folder / (name.replace("__", "/").replace("_", "-") + ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return load_folder(folder, None)


def values(loaded: LoadedExtracts) -> dict[tuple[str, str], Decimal]:
    rows = loaded.extract_row
    return dict(zip(zip(rows["quarter"], rows["organisation_code"], strict=True), rows["value"], strict=True))


def test_files_at_any_depth_are_read_and_others_listed(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Notes")
    (tmp_path / ".hidden.csv").write_bytes(b"")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "x.csv").write_bytes(b"")
    loaded = load(tmp_path, data=data_file(data_line()), a__b__table=league_file(league_line()))
    assert sorted(loaded.extract["source"]) == ["nof_data", "nof_league_table"]
    assert len(loaded.extract_row) == 8
    assert [note.file for note in loaded.ignored] == ["README.md"]
    assert loaded.is_sample
    assert loaded.quarters() == ["2025-26-Q1"]


def test_an_extract_says_who_published_it_and_how_much_it_holds(tmp_path: Path) -> None:
    raw = data_file(data_line(), data_line("Z02", value="*"))
    extract = load(tmp_path, data=raw).extract.iloc[0]
    assert (extract.extract_id, extract.bytes, extract.rows) == (sha256_of(raw), len(raw), 2)
    assert (extract.file_name, extract.table_name, extract.release_state) == (
        "data.csv",
        "acute",
        "provisional",
    )
    assert (extract.publisher, extract.licence) == ("fictional sample", "MIT")


def test_official_files_carry_the_publishers_licence(tmp_path: Path) -> None:
    extract = load(tmp_path, data=data_file(data_line("R0Z"))).extract.iloc[0]
    assert (extract.publisher, extract.licence) == ("NHS England", "Open Government Licence v3.0")


def test_the_same_bytes_under_two_names_count_once_wherever_they_lie(tmp_path: Path) -> None:
    raw = data_file(data_line())
    loaded = load(tmp_path, b__a_data=raw, a__b_data=raw)
    assert loaded.extract["file_name"].tolist() == ["a-data.csv"]
    assert len(loaded.extract_row) == 1
    assert "same bytes" in loaded.notes[0].text


def test_a_reissue_replaces_the_file_it_supersedes(tmp_path: Path) -> None:
    first = data_file(data_line(), data_line("Z02"), data_line("Z03"))
    second = data_file(data_line(value="99"), data_line("Z02"))
    loaded = load(tmp_path, data=first, data_v2=second)
    assert values(loaded) == {("2025-26-Q1", "Z01"): 99, ("2025-26-Q1", "Z02"): Decimal("75.5")}
    states = loaded.extract.set_index("file_name")
    assert states.loc["data-v2.csv", "supersedes"] == sha256_of(first)
    assert states["release_state"].to_dict() == {"data.csv": "provisional", "data-v2.csv": "revised"}
    revision = loaded.revision.set_index("organisation_code")
    assert revision["changed"].to_dict() == {"Z01": True, "Z02": False, "Z03": True}
    assert (revision.loc["Z01", "old_value"], revision.loc["Z01", "new_value"]) == (Decimal("75.5"), 99)
    assert (revision.loc["Z01", "old_source_row"], revision.loc["Z01", "new_source_row"]) == (2, 2)
    assert revision.loc["Z03", "new_value"] is None
    assert revision["new_extract_id"].unique().tolist() == [sha256_of(second)]


def test_a_cumulative_file_of_a_later_quarter_is_newer_figure_by_figure(tmp_path: Path) -> None:
    first = data_file(data_line(), data_line("Z02"))
    later = data_file(data_line(value="70", rank="4.0"), data_line(quarter="Q2 2025/26"))
    loaded = load(tmp_path, z_data=first, data_q2=later)
    assert values(loaded) == {
        ("2025-26-Q1", "Z01"): 70,
        ("2025-26-Q1", "Z02"): Decimal("75.5"),
        ("2025-26-Q2", "Z01"): Decimal("75.5"),
    }
    revision = loaded.revision.iloc[0]
    assert (revision.old_rank, revision.new_rank, bool(revision.changed)) == (3, 4, True)
    assert loaded.extract["supersedes"].isna().all()


def test_a_file_that_covers_a_later_quarter_is_newer_than_a_reissue_of_an_earlier_one(tmp_path: Path) -> None:
    later = data_file(data_line(value="70"), data_line(quarter="Q2 2025/26"))
    loaded = load(tmp_path, data_v2=data_file(data_line(value="60")), data_q2=later)
    assert values(loaded)["2025-26-Q1", "Z01"] == 70


def test_files_that_nothing_orders_are_refused_when_they_differ_whatever_they_are_called(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputRejected, match=r"1 figures that differ.*says which file is newer") as error:
        load(tmp_path, a_data=data_file(data_line()), b_data=data_file(data_line(value="9")))
    assert "leave a-data.csv or b-data.csv out" in str(error.value)


def test_files_that_nothing_orders_and_that_agree_need_no_order(tmp_path: Path) -> None:
    one, other = data_file(data_line(), data_line("Z02")), data_file(data_line(), data_line("Z03"))
    loaded = load(tmp_path, a_data=one, b_data=other)
    assert {code for _, code in values(loaded)} == {"Z01", "Z02", "Z03"}
    assert not loaded.notes


def test_the_league_table_and_the_data_file_do_not_replace_each_other(tmp_path: Path) -> None:
    average = data_line(figure="OF5002", kind="Mental health and community trust", quarter="Q4 2025/26")
    loaded = load(tmp_path, data=data_file(average), table=league_file(league_line()))
    assert (loaded.extract_row["figure"] == "OF5002").sum() == 2
    assert loaded.revision.empty


def test_duplicates_within_one_file_stay_for_the_gate(tmp_path: Path) -> None:
    old, new = data_file(data_line(value="1")), data_file(data_line(value="2"), data_line(value="3"))
    loaded = load(tmp_path, data=old, data_v2=new)
    assert loaded.extract_row["value"].tolist() == [2, 3]
    assert len(loaded.revision) == 1


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("acute-trust-data.csv", 0),
        ("acute-trust-data-q3-25-26.csv", 0),
        ("acute-trust-data-q3-25-26-v2.csv", 2),
        ("acute-trust-data_V3.csv", 3),
        ("acute-trust-data-v2-1.csv", 2),
        ("acute-trust-data-v2 (1).csv", 2),
        ("acute-trust-data-v1.csv", 0),
        ("Acute data Revised.csv", 2),
        ("acute-data-revised-2.csv", 3),
        ("acute-data-revised-2025.csv", 2),
        ("acute-data-unrevised.csv", 0),
        ("acute-data-1.csv", 0),
    ],
)
def test_the_suffix_of_a_name_says_which_issue_it_is(name: str, number: int) -> None:
    assert reissue_number(name) == number


def test_an_upload_under_a_name_in_use_is_newer_but_no_reissue(tmp_path: Path) -> None:
    loaded = load(tmp_path, data=data_file(data_line()), data_1=data_file(data_line(value="9")))
    assert values(loaded)["2025-26-Q1", "Z01"] == 9
    assert set(loaded.extract["release_state"]) == {"provisional"}


def test_sample_and_official_files_in_one_load_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="fictional sample"):
        load(tmp_path, a=data_file(data_line()), b=data_file(data_line("R0Z")))


def test_a_rejection_names_the_file_below_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputRejected) as caught:
        load(tmp_path, ok=data_file(data_line()), june__data=data_file(data_line(value="x")))
    assert (caught.value.file, caught.value.row, caught.value.column) == ("june/data.csv", 2, "Value")
    (tmp_path / "june" / "data.csv").write_bytes(b"<html>")
    with pytest.raises(InputRejected, match=r"june/data\.csv: .*web page"):
        load_folder(tmp_path, None)


@pytest.mark.parametrize("names", [[], ["notes.txt"]])
def test_a_folder_with_nothing_that_a_reader_knows_is_missing_input(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("hello")
    with pytest.raises(InputMissing) as caught:
        load_folder(tmp_path, None)
    assert all(name in str(caught.value) for name in names)


def test_a_folder_that_is_not_there_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match="isn't a folder"):
        load_folder(tmp_path / "none", None)


def test_links_out_of_the_folder_and_pipes_are_listed_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_bytes(data_file(data_line("Z09")))
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "file-link.csv").symlink_to(outside / "secret.csv")
    (inside / "folder-link").symlink_to(outside)
    (inside / "broken.csv").symlink_to(inside / "gone.csv")
    os.mkfifo(inside / "pipe.csv")
    loaded = load(inside, data=data_file(data_line()))
    assert loaded.extract_row["organisation_code"].tolist() == ["Z01"]
    assert [note.file for note in loaded.ignored] == [
        "broken.csv",
        "file-link.csv",
        "folder-link",
        "pipe.csv",
    ]


def test_only_the_quarters_asked_for_and_their_files_are_kept(tmp_path: Path) -> None:
    second = data_file(data_line(quarter="Q2 2025/26"), data_line("Z02", quarter="Q2 2025/26", value="*"))
    loaded = load(tmp_path, q1=data_file(data_line(), data_line("Z03", value="*")), q2=second)
    chosen = loaded.for_quarters([Quarter(2025, 2)])
    assert chosen.quarters() == ["2025-26-Q2"]
    assert chosen.extract["extract_id"].tolist() == [sha256_of(second)]
    assert chosen.row_set_aside["organisation_code"].tolist() == ["Z02"]
    assert loaded.for_quarters(["2025-26-Q1", "2025-26-Q2"]).extract_row.equals(loaded.extract_row)


def test_a_file_whose_figures_were_replaced_stays_with_the_revision(tmp_path: Path) -> None:
    loaded = load(tmp_path, data=data_file(data_line()), data_v2=data_file(data_line(value="1")))
    chosen = loaded.for_quarters(["2025-26-Q1"])
    assert len(chosen.extract) == 2
    assert len(chosen.revision) == 1


def test_a_quarter_that_only_a_league_table_covers_is_missing_and_the_message_lists_what_is_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.md").write_text("notes")
    loaded = load(tmp_path, data=data_file(data_line()), table=league_file(league_line()))
    with pytest.raises(InputMissing) as caught:
        loaded.for_quarters(["2025-26-Q1", "2025-26-Q4"])
    message = str(caught.value)
    assert "No data file covers 2025-26-Q4" in message
    assert "2025-26-Q1 (acute)" in message
    assert "notes.md" in message


def test_what_a_folder_held_can_be_loaded_again_from_the_archive(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    folder = tmp_path / "files"
    load(
        folder,
        data=data_file(data_line()),
        copy=data_file(data_line()),
        data_v2=data_file(data_line(value="1")),
    )
    loaded = load_folder(folder, archive)
    again = load_archived(archive)
    for name in ("extract", "extract_row", "row_set_aside", "revision"):
        assert getattr(again, name).equals(getattr(loaded, name)), name
    assert len(archive.sightings()) == 3
    load_folder(folder, archive)
    assert len(archive.sightings()) == 3


def test_a_rejected_folder_leaves_nothing_in_the_archive(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.csv").write_bytes(data_file(data_line()))
    (tmp_path / "files" / "b.csv").write_bytes(b"")
    with pytest.raises(InputRejected):
        load_folder(tmp_path / "files", archive)
    assert not archive.root.exists()


def test_sample_and_official_files_of_one_archive_are_loaded_apart(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    for code in ("Z01", "R0Z"):
        (tmp_path / code).mkdir()
        (tmp_path / code / "data.csv").write_bytes(data_file(data_line(code)))
        load_folder(tmp_path / code, archive)
    assert load_archived(archive, is_sample=True).extract_row["organisation_code"].tolist() == ["Z01"]
    assert load_archived(archive, is_sample=False).extract_row["organisation_code"].tolist() == ["R0Z"]
    with pytest.raises(InputRejected, match="never mixes"):
        load_archived(archive)


def test_an_empty_archive_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match="no extracts"):
        load_archived(Archive(tmp_path))
