"""Official files are recognised or refused: none that a person downloaded is passed over."""

from __future__ import annotations

from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.folder_files import files_below, what_it_is
from dagster_project.extracts.load import load_folder


def test_no_official_data_file_is_passed_over(further_dir: Path, official_dir: Path) -> None:
    passed_over = {
        path.name
        for folder in (official_dir, further_dir)
        for path in files_below(folder)
        if what_it_is(path, folder).source is None
    }
    assert {name for name in passed_over if not name.endswith((".md", "WORKBOOK-FINAL.xlsx"))} == set()


def test_the_title_row_of_a_real_file_never_lets_the_other_file_through_alone(
    trials_dir: Path, official_dir: Path, tmp_path: Path
) -> None:
    """Refused as long as no reader takes it; once one does, both tables are there."""
    trial = next((trials_dir / "case15-title-row-loses-a-table" / "folder").iterdir())
    acute = next((official_dir / "nof-2025-26").glob("*acute-trust-data.csv"))
    for path in (trial, acute):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert _tables_or_refused(tmp_path) in (["acute", "non_acute"], trial.name)


def _tables_or_refused(folder: Path) -> list[str] | str:
    try:
        return load_folder(folder, None).tables()["2025-26-Q1"]
    except InputRejected as error:
        return error.file
