"""Small hand-written statistics in the publishers' true layouts, with fictional organisations, as their names say."""

from __future__ import annotations

from datetime import date

from fictional_files import file_of, named
from fictional_workbook import Cell, workbook

JUNE = date(2025, 6, 1)

CANCER_HEADER: list[Cell] = [
    "PERIOD",
    "YEAR",
    "MONTH",
    "STANDARD",
    "ORG CODE",
    "STAGE/ROUTE",
    "TREATMENT MODALITY",
    "CANCER TYPE",
    "TOTAL TREATED",
    "WITHIN STANDARD",
    "BREACHES",
    # The publisher's has no names: this column is the mark of fictional files.
    "ORG NAME",
]
COMBINED_HEADER = (
    "Period,Basis,Org_Code,Parent_Org,Org_Name,Standard_or_Item,Cancer_Type,Referral_Route_or_Stage,"
    "Treatment_Modality,Total,Within,After,Within 14 days"
)
COMMUNITY_TITLES = {
    "Table 4": "Total waiting list by service, June 2025",
    "Table 4g": "Number waiting >52-104 weeks (365-728 days) by service, June 2025",
    "Table 4h": "Number waiting over 104 weeks (over 2 years) by service, June 2025",
}
COMMUNITY_HEADER: list[Cell] = [
    "Organisation Type",
    "Organisation Code",
    "Organisation Name",
    "(A) Audiology",
    "(CYP) Audiology",
]
AE_HEADER = (
    "Period,Org Code,Parent Org,Org name,A&E attendances Type 1,A&E attendances Type 2,"
    "A&E attendances Other A&E Department,A&E attendances Booked Appointments Type 1,"
    "A&E attendances Booked Appointments Type 2,A&E attendances Booked Appointments Other Department,"
    "Attendances over 4hrs Type 1,Attendances over 4hrs Type 2,Attendances over 4hrs Other Department,"
    "Attendances over 4hrs Booked Appointments Type 1,Attendances over 4hrs Booked Appointments Type 2,"
    "Attendances over 4hrs Booked Appointments Other Department,"
    "Patients who have waited 4-12 hs from DTA to admission,Patients who have waited 12+ hrs from DTA to admission,"
    "Emergency admissions via A&E - Type 1,Emergency admissions via A&E - Type 2,"
    "Emergency admissions via A&E - Other A&E department,Other emergency admissions"
)
RTT_WEEKS = [f"Gt {week:02d} To {week + 1:02d} Weeks SUM 1" for week in range(104)] + ["Gt 104 Weeks SUM 1"]
_ANY_WEEK = 30
RTT_HEADER = ",".join(
    [
        "Period,Provider Parent Org Code,Provider Parent Name,Provider Org Code,Provider Org Name",
        "Commissioner Parent Org Code,Commissioner Parent Name,Commissioner Org Code,Commissioner Org Name",
        "RTT Part Type,RTT Part Description,Treatment Function Code,Treatment Function Name",
        *RTT_WEEKS,
        "Total,Patients with unknown clock start date,Total All",
    ]
)


def _named(code: str, name: str = "ASHFORD VALE NHS TRUST") -> str:
    return named(code, name) if name and not name.casefold().endswith("(fictional)") else name


def cancer_row(
    standard: str = "28-day FDS",
    route: str = "URGENT SUSPECTED CANCER",
    modality: str | None = None,
    cancer: str = "Suspected lung cancer",
    total: Cell = 10,
    within: Cell = 8,
    *,
    code: str = "Z01",
    month: date = JUNE,
    name: str | None = None,
) -> list[Cell]:
    """One row below CANCER_HEADER."""
    return [
        month,
        "2025/26",
        month.strftime("%b").upper(),
        standard,
        code,
        route,
        modality,
        cancer,
        total,
        within,
        0,
        name or _named(code),
    ]


def cancer_extract(*rows: list[Cell]) -> bytes:
    return workbook({"CWT CRS Provider Extract": [CANCER_HEADER, *rows]})


def community_tables(
    *rows: tuple[str, str | None, str, Cell, Cell],
    tables: tuple[str, ...] = ("Table 4", "Table 4g", "Table 4h"),
    titles: dict[str, str] = COMMUNITY_TITLES,
    extra: tuple[list[Cell], ...] = (),
) -> bytes:
    """The same rows (type, code, name, two services) in each table, header in row 5."""
    named_rows = [(kind, code, _named(code or "", name), *cells) for kind, code, name, *cells in rows]
    sheet = [*map(list, named_rows), *extra]
    sheets: dict[str, list[list[Cell]]] = {
        "Cover page": [["Waiting lists"]],
        "Table 4a": [["Number waiting"]],
    }
    for table in tables:
        banner: list[list[Cell]] = [
            [titles[table]],
            ["Blanks indicate"],
            ["Data is submitted"],
            ["* Data for"],
        ]
        sheets[table] = [*banner, COMMUNITY_HEADER, *sheet]
    return workbook(sheets)


def ae_line(
    code: str = "Z01",
    counts: str = "100,0,50,4,0,1,30,0,2,1,0,0",
    *,
    period: str = "MSitAE-JUNE-2025",
    name: str | None = None,
) -> str:
    """One record below AE_HEADER: six counts of attendances, six of those over four hours."""
    return f'{period},{code},NHS ENGLAND SOUTH EAST ,"{name or _named(code)}",{counts},9,9,9,9,9,9'


def ae_total(*lines: str) -> str:
    """The row TOTAL below these records: in each column the sum of the cells that are counts."""
    counts = [[int(cell) if cell.isdecimal() else 0 for cell in line.split(",")[-18:]] for line in lines]
    return ",".join(["TOTAL"] * 4 + [str(sum(column)) for column in zip(*counts, strict=True)])


def ae_file(*lines: str, header: str = AE_HEADER, total: str | None = None) -> bytes:
    """The records and, as in every file of the publisher's, the row TOTAL below them."""
    closing = ae_total(*lines) if total is None else total
    return file_of(header, *lines, *filter(None, [closing]), end="\n", bom=False)


def ambulance_sheet(*rows: list[Cell]) -> bytes:
    """Four banner rows, codes in row 5, `Year` twice; rows below as (year, month, code, name, A10, A30)."""
    banner: list[list[Cell]] = [[], [], [None] * 8 + ["Calls"], [None] * 8 + ["Contacts"]]
    codes: list[Cell] = [
        "Concatenated", "Year", "Month", "Reg", None, "Area", "Trust", "A7", "A10", "A30", "Year", "Month",
    ]  # fmt: skip
    below: list[list[Cell]] = [
        [
            f"{year}{month}{code}",
            year,
            month,
            "Y59",
            "South East",
            code,
            _named(str(code), str(name)),
            1,
            count,
            seconds,
            "x",
            "y",
        ]
        for year, month, code, name, count, seconds in rows
    ]
    return workbook({"Introduction": [["About"]], "Raw": [*banner, codes, *below]})


def rtt_line(
    code: str = "Z01",
    commissioner: str = "01Q",
    *,
    part: str = "Part_2",
    function: str = "C_999",
    bands: dict[int, str] | None = None,
    every: str = "0",
    total: str = "60",
    name: str | None = None,
    period: str = "RTT-June-2025",
) -> str:
    """One record below RTT_HEADER: the count of the weeks in `bands`, `every` in all others.

    Week 30, in no measure, has what is left of `total`, as the bands of a row add up to it.
    """
    counts = {week: (bands or {}).get(week, every) for week in range(105)}
    known = [int(count) for week, count in counts.items() if week != _ANY_WEEK and count.isdecimal()]
    if counts[_ANY_WEEK] == every and total.isdecimal():
        counts[_ANY_WEEK] = str(int(total) - sum(known))
    weeks = ",".join(counts.values())
    return (
        f'{period},ZQ1,"NHS BOARD, NORTH",{code},"{name or _named(code)}",ZQ1,"NHS BOARD, NORTH",{commissioner},'
        f"SUB BOARD,{part},Incomplete Pathways,{function},Total,{weeks},,0,{total}"
    )


def rtt_csv(*lines: str) -> bytes:
    return file_of(RTT_HEADER, *lines, bom=False)


def trust_line(
    code: str = "Z01",
    opened: str = "20250401",
    closed: str = "",
    *,
    name: str | None = None,
) -> str:
    """One record of ODS's list of trusts: 27 fields, no header."""
    cells = [
        code,
        name or _named(code, "ASHFORD, VALE NHS TRUST"),
        "Y56",
        "ZQ1",
        *["STREET"] * 3,
        "ASHBY",
        "SHIRE",
        "ZZ1 1ZZ",
        opened,
        closed,
        *[""] * 15,
    ]
    return ",".join(f'"{cell}"' for cell in cells)


def provider_workbook(
    *providers: tuple[str, str, float, float],
    sheets: tuple[str, str, str] = (
        "28-DAY FDS (ALL ROUTES)",
        "28-DAY FDS (BY ROUTE)",
        "62-DAY (ALL CANCER)",
    ),
    total: float | None = -1,
    basis: str = "BASIS: PROVIDER BASED INCLUDING CROSS-BORDER PATIENTS",
    month: str = "Jul-25",
    without: int | None = None,
) -> bytes:
    """The cancer provider workbook: (code, name, total, within) by standard, and the same by route and part.

    `total` is what the row of all English providers says: -1 for the true sum, None for no such row.
    """
    above: list[list[Cell]] = [
        ["", "WAIT FROM URGENT REFERRAL"],
        ["", month],
        ["", basis],
        [],
        [],
        [],
        [],
        [],
    ]
    added: list[Cell] = [sum(one[2] for one in providers), sum(one[3] for one in providers)]
    if total is None or total >= 0:
        added[0] = total

    def table(within: str, route: str, *cancer: str, every: bool = True) -> list[list[Cell]]:
        header: list[Cell] = [
            "", "ODS CODE (1)", "ACCOUNTABLE PROVIDER", "REFERRAL ROUTE",
            *(["CANCER TYPE"] if cancer else []), "TOTAL", within, "AFTER",
        ]  # fmt: skip
        below: list[list[Cell]] = [
            ["", code, name, route, *cancer, count, inside, count - inside]
            for code, name, count, inside in providers
        ]
        england: list[Cell] = ["", "", "ALL ENGLISH PROVIDERS", route, *cancer, *added, 0]
        return [header, *below, [], *([england] if every and total is not None else [])]

    by_route = table("WITHIN 28 DAYS", "SCREENING")
    by_route[0].insert(4, "SUSPECTED CANCER OR BREAST SYMPTOMATIC (2)")
    parts = [
        *table("WITHIN 62 DAYS", "ALL ROUTES", "ALL CANCERS"),
        ["", "PART B: URGENT SUSPECTED CANCER"],
        [],
        *table("WITHIN 62 DAYS", "Urgent Suspected Cancer", "ALL CANCERS"),
    ]
    tables = [table("WITHIN 28 DAYS", "ALL ROUTES"), by_route, parts]
    kept = {
        name: [*above, *rows]
        for at, (name, rows) in enumerate(zip(sheets, tables, strict=True))
        if at != without
    }
    return workbook({"Frontpage": [["", "Status: Final Official Statistics"]], **kept})
