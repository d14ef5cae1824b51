"""The publisher's wording around a figure: sub-domains, descriptions, reporting dates and their drift."""

from __future__ import annotations

from dagster_project.explanation.recomputation.rules import Rule
from dagster_project.quarters import Quarter

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_BREAK = "\N{NO-BREAK SPACE}"

SUB_DOMAINS = {
    "OF0003": "Elective care",
    "OF0005": "Elective care",
    "OF0010": "Cancer care",
    "OF0011": "Cancer care",
    "OF0013": "Urgent and emergency care",
    "OF0014": "Urgent and emergency care",
    "OF0016": "Patient safety",
    "OF0017": "Urgent and emergency care",
    "OF0020": "Patient safety",
    "OF0023": "Elective care",
    "OF0025": "Effective flow and discharge",
    "OF0028": "Effective out of hospital care",
    "OF0035": "Patient experience",
    "OF0041": "Mental health care",
    "OF0046": "Patient experience",
    "OF0048": "Patient safety",
    "OF0057": "Effective out of hospital care",
    "OF0061": "Patient safety",
    "OF0063": "Effective flow and discharge",
    "OF0067": "Patient safety",
    "OF0069": "Patient experience",
    "OF0079": "Finance",
    "OF0080": "Finance",
    "OF0081": "Finance",
    "OF0082": "Retention and culture",
    "OF0084": "Retention and culture",
    "OF0085": "Productivity",
    "OF0086": "Productivity",
    "OF0088": "Patient safety",
    "OF0106": "Elective care",
}
SUMMARY_FIGURES = {
    "OF5000": ("Adjusted segment", "segment"),
    "OF5002": ("Average metric score", "score"),
    "OF5003": ("Unadjusted segment", "segment"),
    "OF5004": ("Financial override", "flag"),
    "OF5005": ("Final segment score override", "segment"),
    "OF5007": ("Is the organisation in the Recovery Support Programme?", "flag"),
}
_FIRST_YEAR_WORDING = {
    "OF0048": "Rate of E-Coli infections",
    "OF0088": "Rate of C-Difficile infections",
    "OF0057": "Urgent Community Response 2-hour performance",
}


def description(metric: Rule, quarter: Quarter) -> str:
    """A metric's description, with the publisher's no-break spaces, worded otherwise in the first year."""
    if metric["metric_id"] == "OF0084":
        return metric["metric_name"] + _NO_BREAK
    if metric["metric_id"] == "OF0041":
        return metric["metric_name"].replace("mental health", f"mental{_NO_BREAK}health")
    if quarter.start_year == 2025:
        return _FIRST_YEAR_WORDING.get(metric["metric_id"], metric["metric_name"])
    return metric["metric_name"]


def reporting_date(metric: Rule, quarter: Quarter) -> str:
    """What period a figure covers, in the style that the publisher uses for the metric and the quarter."""
    number = quarter.number
    first_year = quarter.start_year
    last_month = (6, 9, 12, 3)[number - 1]
    last_year = first_year + (number == 4)
    metric_id = metric["metric_id"]
    if metric_id == "OF0081":
        return f"Month 3 {first_year}" if number == 1 else f"Month{_NO_BREAK}{3 * number} {_year(first_year)}"
    if metric_id == "OF0079":
        return _year(first_year) if number == 1 else f"{_year(first_year)} plan"
    if metric_id == "OF0067":
        return f"Latest published if awarded post August {first_year - 2}"
    if metric_id == "OF0085":
        return f"To M12 {_year(first_year - 1)} vs {_year(first_year - 2)}"
    if metric_id == "OF0086":
        return _year(first_year - 2 + (number == 4))
    if metric["period"] == "survey year":
        return str(first_year - 1 + (number == 4))
    if metric_id == "OF0041":
        this = _twelve_months(last_month, last_year)
        return f"{this} vs {_twelve_months(last_month, last_year - 1)}"
    if metric_id == "OF0046":
        return _twelve_months((last_month - 4) % 12 + 1, last_year - (last_month <= 3))
    if metric["period"] == "12 months":
        return _twelve_months(last_month, last_year)
    if metric["period"] == "latest month":
        return f"{_MONTHS[last_month - 1]}-{last_year % 100:02d}"
    if metric["period"] == "year to date":
        return f"Year to date {first_year % 100:02d}/{(first_year + 1) % 100:02d}"
    if metric_id == "OF0082":
        before = quarter.shifted(-1)
        return before.label.replace("/", "-") if number == 1 else before.label
    if metric_id in ("OF0013", "OF0017") and number == 1:
        return f"Q{number} {first_year}"
    return quarter.label


def _twelve_months(last_month: int, last_year: int) -> str:
    first = last_month % 12
    first_year = last_year - (first != 0)
    return f"{_MONTHS[first]} {first_year % 100:02d} - {_MONTHS[last_month - 1]} {last_year % 100:02d}"


def _year(first: int) -> str:
    return f"{first}/{(first + 1) % 100:02d}"
