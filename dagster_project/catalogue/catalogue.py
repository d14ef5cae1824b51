"""The catalogue of sources: loads `catalogue.yml` and refuses an entry that can't be right."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from dagster_project.catalogue.link_period import Span
from dagster_project.errors import WrongUsage
from dagster_project.strict_yaml import StrictLoader, strict_yaml

CATALOGUE = Path(__file__).parent / "catalogue.yml"

Format = Literal["csv", "xlsx", "zip"]
USUAL_PORTS = {"http": 80, "https": 443}
# A period is published within the year that follows it.
_LAST_WEEK = 52
# A catalogue is a few pages long and a few levels deep.
_LONGEST = 1_000_000
_DEEPEST = 20
_MOST_VALUES = 100_000


def host_and_port(host: str, port: int | None) -> str:
    """As `hosts` of a source holds it: the port stands there unless it is the usual one or the host a number."""
    host = host.casefold()
    return host if port in (None, *USUAL_PORTS.values()) or ip_number(host) is not None else f"{host}:{port}"


def ip_number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, where it is one and no name."""
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression that compiles ({error})") from None
    return text


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username is not None:
        raise ValueError(
            "an address that starts with https:// (or http://) and a host, without a user's name"
        )
    return text


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]
Address = Annotated[str, AfterValidator(_address)]
MetricId = Annotated[str, Field(pattern=r"^OF[0-9]{4}$")]
Text = Annotated[str, Field(min_length=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IndexAddress(_Entry):
    """A page that links to files; `checked` once a person has seen those links."""

    address: Address
    checked: bool


class LinkPattern(_Entry):
    """How links look: `href` against path and query, `text` against the words, `without` against either."""

    href: Pattern
    text: Pattern | None = None
    without: Pattern | None = None

    def matches(self, href: str, text: str) -> bool:
        """Whether a link is meant; case doesn't count."""
        if not re.search(self.href, href, re.IGNORECASE):
            return False
        if self.text is not None and not re.search(self.text, text, re.IGNORECASE):
            return False
        unwanted = self.without
        return unwanted is None or not any(re.search(unwanted, said, re.IGNORECASE) for said in (href, text))


class Source(_Entry):
    """One source; the fields are described at the top of `catalogue.yml`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    publisher: Text
    licence: Text
    index_pages: Annotated[tuple[IndexAddress, ...], Field(min_length=1)]
    year_pages: LinkPattern | None = None
    hosts: tuple[Text, ...] = ()
    links: LinkPattern
    span: Span
    cadence: Literal["monthly", "quarterly", "yearly", "irregular"]
    publication_weeks: tuple[int, int] | None = None
    formats: Annotated[tuple[Format, ...], Field(min_length=1)]
    reader: str | None
    metrics: Literal["all"] | tuple[MetricId, ...]
    smallest_bytes: Annotated[int, Field(ge=1)]
    largest_megabytes: Annotated[int, Field(ge=1)]
    largest_unpacked_megabytes: Annotated[int, Field(ge=1)] = 200

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        weeks = self.publication_weeks
        if (weeks is None) != (self.cadence == "irregular"):
            raise ValueError("publication_weeks for every cadence but irregular, which has none")
        if weeks is not None and not 1 <= weeks[0] <= weeks[1] <= _LAST_WEEK:
            raise ValueError(f"publication_weeks from 1 to {_LAST_WEEK}, the first not after the last")
        if self.smallest_bytes > self.largest_bytes:
            raise ValueError("smallest_bytes below largest_megabytes")
        return self

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts that the source's links and redirects may lead to: those named, and the index pages'.

        An index page's own port stands with its host, as in `example.org:8443`.
        """
        pages = (urlsplit(page.address) for page in self.index_pages)
        return frozenset({*self.hosts, *(host_and_port(page.hostname or "", page.port) for page in pages)})

    @property
    def largest_bytes(self) -> int:
        return self.largest_megabytes * 1_000_000

    @property
    def largest_unpacked_bytes(self) -> int:
        return self.largest_unpacked_megabytes * 1_000_000


class _Contents(_Entry):
    seconds_between_requests: Annotated[float, Field(ge=0, le=3600)]
    sources: Annotated[dict[str, Source], Field(min_length=1)]


@dataclass(frozen=True)
class Catalogue:
    """All sources by name, in the file's order, and the least pause between requests to one host."""

    sources: Mapping[str, Source]
    seconds_between_requests: float
    # The project's own, of official publishers; a person's own may lead to anything.
    is_bundled: bool = False

    def chosen(self, names: Collection[str]) -> list[Source]:
        """The sources of these names, all if none is named; WrongUsage lists the names there are."""
        unknown = sorted(set(names) - set(self.sources))
        if unknown:
            raise WrongUsage(
                f"The catalogue has no source {unknown[0]!r}. It has: {', '.join(self.sources)}."
            )
        return [source for name, source in self.sources.items() if not names or name in names]


def _refuse_beyond_measure(text: str) -> None:
    """Raises YAMLError for what is large, nested deep, or grows beyond measure where aliases are followed."""
    if len(text) > _LONGEST:
        raise yaml.YAMLError(f"{len(text):,} characters, where at most {_LONGEST:,} are read")
    open_parts: list[tuple[str | None, int]] = []
    sizes: dict[str, int] = {}
    whole = 0
    for event in yaml.parse(text, StrictLoader):
        grown = sizes.get(event.anchor or "", 1) if isinstance(event, yaml.AliasEvent) else 1
        whole += grown
        if isinstance(event, yaml.CollectionStartEvent):
            open_parts.append((event.anchor, whole))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_parts.pop()
            if anchor is not None:
                sizes[anchor] = whole - before
        if len(open_parts) > _DEEPEST or whole > _MOST_VALUES:
            raise yaml.YAMLError(
                f"more than {_DEEPEST} levels or {_MOST_VALUES:,} values, aliases followed, at line "
                f"{event.start_mark.line + 1 if event.start_mark else 1}"
            )


def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Reads and checks a catalogue; raises WrongUsage naming file, entry and field of every fault.

    A person's own may name the readers that the bundled one names.
    """
    is_bundled = path.resolve() == CATALOGUE.resolve()
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_beyond_measure(text)
        content = strict_yaml(text)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongUsage(
            f"{path}: expected a catalogue of sources in YAML; found none ({error}). Mend the file."
        ) from None
    try:
        checked = _Contents.model_validate(_named(content))
    except ValidationError as error:
        faults = [_fault(dict(each)) for each in error.errors()]
    else:
        known = [] if is_bundled else [None, *reader_names()]
        faults = [
            f"{name}, reader: expected one of {', '.join(reader_names())}, or null; found {source.reader!r}"
            for name, source in checked.sources.items()
            if known and source.reader not in known
        ]
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise WrongUsage(f"{path} isn't a catalogue that can be used:\n{listed}\nMend these entries.")
    return Catalogue(checked.sources, checked.seconds_between_requests, is_bundled)


@cache
def bundled_catalogue() -> Catalogue:
    """The project's own catalogue, read once in a process."""
    return load_catalogue()


def reader_names() -> tuple[str, ...]:
    """The readers that there are, in the bundled catalogue's order: each is a module of extracts/readers."""
    named = (source.reader for source in bundled_catalogue().sources.values())
    return tuple(dict.fromkeys(name for name in named if name is not None))


def largest_file(source: str) -> int:
    """The most bytes that a file of the source may have as it lies in a folder: a CSV may be unpacked there."""
    entry = bundled_catalogue().sources[source]
    return max(entry.largest_bytes, entry.largest_unpacked_bytes if "zip" in entry.formats else 0)


def _named(content: Any) -> Any:
    """Every entry with its key as its name."""
    if not isinstance(content, dict) or not isinstance(content.get("sources"), dict):
        return content
    entries = content["sources"].items()
    named = {key: {"name": key} | entry if isinstance(entry, dict) else entry for key, entry in entries}
    return content | {"sources": named}


def _fault(error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error["loc"] if part != "sources"]
    entry, field = (place[0] if place else "the file"), ".".join(place[1:])
    where = f"{entry}, {field}" if field else entry
    expected = str(error["msg"]).removeprefix("Value error, ")
    found = "" if error["type"] == "missing" or not field else f"; found {error['input']!r}"
    return f"{where}: {expected}{found}"
