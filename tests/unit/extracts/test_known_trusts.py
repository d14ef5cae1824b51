"""Which organisations of a statistic are NHS trusts: by the form of the code, or as something says that they are."""

from __future__ import annotations

from pathlib import Path

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
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.extracts.readers.organisation_codes import (
    NOT_KNOWN_AS_TRUST,
    has_form,
    is_trust_by_form,
    why_no_trust,
)

SITE, TRUST = "A0C5S", "G9Z9S"
# By source, a file of a trust and of an organisation whose code independent sites can have as well.
STATISTICS = {
    "ae.csv": ae_file(ae_line("R0Z"), ae_line(SITE, name="A CLINIC")),
    "ambulance.xlsx": ambulance_sheet(
        ["2025-26", "JUNE", "R0Z", "AMBULANCE TRUST", 1, 2], ["2025-26", "JUNE", SITE, "A CLINIC", 1, 2]
    ),
    "cancer.xlsx": cancer_extract(cancer_row(code="R0Z"), cancer_row(code=SITE, name="A CLINIC")),
    "rtt.csv": rtt_csv(rtt_line("R0Z"), rtt_line(SITE, name="A CLINIC")),
}
OF_TRUST = {
    name: raw.replace(SITE.encode(), TRUST.encode())
    for name, raw in STATISTICS.items()
    if name.endswith("csv")
}


def load(folder: Path, *known: str, **files: bytes) -> LoadedExtracts:
    for name, raw in files.items():
        (folder / name.replace("__", ".")).write_bytes(raw)
    return load_folder(folder, None, known_trusts=known)


def codes(loaded: LoadedExtracts) -> set[str]:
    return set(loaded.statistic_row["organisation_code"])


@pytest.mark.parametrize("name", STATISTICS)
def test_an_organisation_that_nothing_names_is_set_aside_with_the_reason(tmp_path: Path, name: str) -> None:
    loaded = load(tmp_path, **{name: STATISTICS[name]})
    assert codes(loaded) == {"R0Z"}
    assert not loaded.is_sample
    (row,) = (row for row in loaded.row_set_aside.itertuples() if row.reason != "a total row")
    assert (row.organisation_code, row.reason) == (SITE, NOT_KNOWN_AS_TRUST)
    assert SITE in str(row.raw_line)


def test_a_site_of_the_community_workbook_is_set_aside_in_every_table(tmp_path: Path) -> None:
    rows = (("Provider", "R0Z", "A TRUST", 1, 2), ("Provider", "A1B2C", "A CLINIC", 1, 2))
    loaded = load(tmp_path, **{"community.xlsx": community_tables(*rows)})
    assert codes(loaded) == {"R0Z"}
    assert loaded.row_set_aside["organisation_code"].tolist() == ["A1B2C"] * 3


@pytest.mark.parametrize("name", OF_TRUST)
def test_what_names_a_trust_makes_it_one(tmp_path: Path, name: str) -> None:
    framework = data_file(data_line("R0Z"), data_line(TRUST))
    listed = file_of(trust_line("R0Z"), trust_line(TRUST), bom=False)
    for place, (known, more) in enumerate(
        (((), {"data.csv": framework}), ((), {"etr.csv": listed}), ((TRUST,), {}))
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        loaded = load(folder, *known, **{name: OF_TRUST[name]}, **more)
        assert codes(loaded) == {"R0Z", TRUST}
        assert set(loaded.row_set_aside["reason"]) <= {"a total row"}


def test_real_sites_whose_codes_begin_with_z_leave_a_file_official(tmp_path: Path) -> None:
    sites = [
        rtt_line(code, name="A CLINIC") for code in ("Z1E5F", "Z2L9B", "Z4F8Y", "Z5J5V", "Z9Z1G", "Z9B2Z")
    ]
    loaded = load(tmp_path, **{"rtt.csv": rtt_csv(rtt_line("R0Z"), *sites)})
    assert (codes(loaded), loaded.is_sample, len(loaded.row_set_aside)) == ({"R0Z"}, False, 6)


def test_the_successor_of_a_trust_is_known_by_the_seed(tmp_path: Path) -> None:
    assert codes(load(tmp_path, **{"ae.csv": ae_file(ae_line("R0Z"), ae_line("G6V2S"))})) == {"R0Z", "G6V2S"}


def test_a_board_of_the_same_form_is_no_trust(tmp_path: Path) -> None:
    boards = file_of("ICB24CD,ICB24CDH,ICB24NM,ObjectId", "E54,Z9B2Z,NHS NORTH BOARD,1")
    loaded = load(
        tmp_path,
        **{"ae.csv": ae_file(ae_line("R0Z"), ae_line("Z9B2Z", name="NORTH BOARD")), "icb.csv": boards},
    )
    assert codes(loaded) == {"R0Z"}


def test_who_is_known_in_one_quarter_tells_nothing_of_another(tmp_path: Path) -> None:
    """A release depends on its own quarter's files, whatever else is read in the same run."""
    files = {
        "q1.csv": data_file(data_line("R0Z")),
        "q2.csv": data_file(data_line("R0Z", quarter="Q2 2025/26"), data_line(TRUST, quarter="Q2 2025/26")),
        "june.csv": ae_file(ae_line("R0Z"), ae_line(TRUST)),
        "july.csv": ae_file(*(ae_line(code, period="MSitAE-JULY-2025") for code in ("R0Z", TRUST, SITE))),
    }
    loaded = load(tmp_path, **files)
    of_quarter = {quarter: loaded.for_quarters([quarter]) for quarter in ("2025-26-Q1", "2025-26-Q2")}
    assert codes(of_quarter["2025-26-Q1"]) == {"R0Z"}
    assert codes(of_quarter["2025-26-Q2"]) == {"R0Z", TRUST}
    unknown = {
        quarter: rows[rows["reason"] == NOT_KNOWN_AS_TRUST]["organisation_code"].tolist()
        for quarter, rows in ((quarter, found.row_set_aside) for quarter, found in of_quarter.items())
    }
    assert unknown == {"2025-26-Q1": [TRUST], "2025-26-Q2": [SITE]}


def test_codes_exchanged_in_one_month_are_told_by_their_names_in_the_others(tmp_path: Path) -> None:
    def month(period: str, first: str, second: str) -> bytes:
        return ae_file(ae_line("R0Z", period=period, name=first), ae_line("R0Y", period=period, name=second))

    sound = month("MSitAE-MAY-2025", "ASHFORD VALE", "MOOR AND FELL")
    for number, (swapped, told) in enumerate(
        (((("MOOR AND FELL", "ASHFORD VALE")), 2), (("ASHFORD  VALE", "NEW NAME"), 0))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        loaded = load(folder, **{"may.csv": sound, "june.csv": month("MSitAE-JUNE-2025", *swapped)})
        said = [
            note.text for note in loaded.notes if note.file == "june.csv" and "is the name of" in note.text
        ]
        assert len(said) == told
        if told:
            assert said[1] == "R0Z stands beside 'MOOR AND FELL', which is the name of R0Y elsewhere"


@given(st.from_regex(r"[A-Z0-9]{1,6}", fullmatch=True))
def test_only_codes_of_three_characters_are_trusts_by_their_form(code: str) -> None:
    if is_trust_by_form(code):
        assert (len(code), code[0] in "RTZ", has_form(code), why_no_trust(code)) == (3, True, True, None)
    if not has_form(code):
        assert why_no_trust(code)
