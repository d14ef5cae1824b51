"""Small hand-written files in the publisher's layouts, with fictional organisations, as their names say."""

from __future__ import annotations

DATA_HEADER = (
    "Quarter,Region,Trust_type,Trust_subtype,Trust_code,Trust_name,Domain,Sub-domain,Metric_ID,"
    "Metric_description,Reporting_date,Units,Value,Median_value,Lower_quartile,Upper_quartile,Rank"
)
LEAGUE_HEADER = (
    "Quarter,Region,Trust_type,Trust_subtype,Trust_code,Trust_name,Average_score,"
    "Likely_range_of_average_score,Segment,Trust_in_financial_deficit,Rank,Likely_range_of_rank"
)


def named(code: str, name: str = "Ashford Vale NHS Trust") -> str:
    """The name of an organisation of these files; with a code of another letter than Z it is as official ones are."""
    first = code.strip().upper()[:1]
    return name if first.isalpha() and first != "Z" else f"{name} (fictional)"


def data_line(
    code: str = "Z01",
    figure: str = "OF0010",
    value: str = "75.5",
    *,
    quarter: str = "Q1 2025/26",
    region: str = "North East",
    kind: str = "Acute trust",
    name: str | None = None,
    reporting_date: str | None = None,
    units: str = "percent",
    rank: str = "3.0",
) -> str:
    """One record below DATA_HEADER."""
    name = named(code) if name is None else name
    date = quarter if reporting_date is None else reporting_date
    return (
        f"{quarter},{region},{kind},Acute - Large,{code},{name},Access to services,Cancer care,"
        f"{figure},A metric,{date},{units},{value},70.0,65.25,80,{rank}"
    )


def league_line(
    code: str = "Z01",
    *,
    quarter: str = "Q4 2025/26",
    average: str = "1.53",
    score_range: str = "1.2 to 1.89",
    segment: str = "1.0",
    deficit: str = "No",
    rank: str = "1.0",
    rank_range: str = "1 to 11",
    name: str | None = None,
) -> str:
    """One record below LEAGUE_HEADER."""
    name = named(code) if name is None else name
    return (
        f"{quarter},London,Mental health and community trust,Community,{code},{name},"
        f"{average},{score_range},{segment},{deficit},{rank},{rank_range}"
    )


def file_of(*lines: str, end: str = "\r\n", bom: bool = True) -> bytes:
    """The lines as the publisher writes them: UTF-8 with a mark, CRLF, a line end after the last."""
    return (b"\xef\xbb\xbf" if bom else b"") + "".join(line + end for line in lines).encode()


def data_file(*lines: str) -> bytes:
    return file_of(DATA_HEADER, *lines)


def league_file(*lines: str) -> bytes:
    return file_of(LEAGUE_HEADER, *lines)


def without_first_column(*lines: str) -> list[str]:
    return [line.partition(",")[2] for line in lines]
