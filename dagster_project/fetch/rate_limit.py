"""The rate limit of each host and its robots.txt: who asks, how often at most, and what is forbidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from importlib.metadata import version
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from dagster_project.errors import InputMissing
from dagster_project.fetch.retry import Patience

PROJECT = "nhs-league-tables"
USER_AGENT = f"{PROJECT}/{version(PROJECT)} (reads published statistics; few requests, conditional)"

# The text of a host's robots.txt, which may lead to these hosts; None where it has none.
RobotsText = Callable[[str, Collection[str]], str | None]

_LINE = re.compile(r"\r\n|\r|\n")
_LONGEST_LINE = 2_000
_DELAY = re.compile(r"\s*crawl-delay\s*:(?P<value>[^#]*)", re.IGNORECASE)
_RATE = re.compile(r"\s*request-rate\s*:(?P<value>[^#]*)", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_REQUESTS_IN_SECONDS = re.compile(r"([1-9][0-9]{0,8})\s*/\s*([0-9]{1,9})")
# Stands for every longer pause: RobotFileParser reads whole numbers only, and any number of digits.
_ENDLESS = 1_000_000_000


class RateLimit:
    """Keeps `least_seconds` between two requests to a host, or what its robots.txt asks if that is more.

    `notes` say what of a robots.txt couldn't be read and is ignored.
    """

    def __init__(self, least_seconds: float, patience: Patience, robots_text: RobotsText) -> None:
        self._least_seconds = least_seconds
        self._patience = patience
        self._robots_text = robots_text
        self._robots: dict[str, RobotFileParser] = {}
        self._asked_last: dict[str, float] = {}
        self.notes: list[str] = []

    def before_request(self, url: str, hosts: Collection[str] = ()) -> None:
        """Waits for the host's turn; raises InputMissing where robots.txt forbids the address, or asks for a
        longer pause than anyone would wait: going faster than asked is no choice.
        """
        robots = self._robots_of(url, hosts)
        if not robots.can_fetch(PROJECT, url):
            raise InputMissing(
                f"{url}: expected an address that the publisher lets programs read; found it disallowed in "
                f"{_site(url)}/robots.txt. Download the file in a browser and use --extracts DIR."
            )
        asked, longest = _asked(robots), self._patience.longest_between
        if asked > longest:
            raise InputMissing(
                f"{url}: expected to leave at most {longest:.0f} seconds between two requests; found "
                f"{'more than any number of' if asked >= _ENDLESS else f'{asked:.0f}'} seconds asked for in "
                f"{_site(url)}/robots.txt. Nothing is read faster than its publisher asks: download the file in "
                "a browser and use --extracts DIR."
            )
        self._wait(url, asked)

    def _robots_of(self, url: str, hosts: Collection[str]) -> RobotFileParser:
        site = _site(url)
        if site not in self._robots:
            self._wait(url, 0)
            robots = RobotFileParser()
            robots.parse(self._readable(site, self._robots_text(f"{site}/robots.txt", hosts) or ""))
            self._robots[site] = robots
        return self._robots[site]

    def _readable(self, site: str, text: str) -> list[str]:
        """The lines without those that the standard library's reader can't take or would misread."""
        lines = []
        for line in _LINE.split(text):
            delay, rate = _DELAY.match(line), _RATE.match(line)
            if delay is not None:
                value = delay["value"].strip()
                if _SECONDS.fullmatch(value):
                    lines.append(f"Crawl-delay: {_whole_seconds(value)}")
                    continue
            elif rate is not None:
                value = rate["value"].strip()
                if _REQUESTS_IN_SECONDS.fullmatch(value):
                    lines.append(f"Request-rate: {value}")
                    continue
            elif len(line) <= _LONGEST_LINE:
                lines.append(line)
                continue
            self.notes.append(f"{site}/robots.txt: {line.strip()[:60]!r} can't be read and is ignored")
        return lines

    def _wait(self, url: str, asked: float) -> None:
        site, now = _site(url), self._patience.monotonic()
        if site in self._asked_last:
            due = self._asked_last[site] + max(self._least_seconds, asked)
            if due > now:
                self._patience.sleep(due - now)
        self._asked_last[site] = self._patience.monotonic()


def _asked(robots: RobotFileParser) -> float:
    """Seconds between two requests that robots.txt asks for, as a pause or as a rate."""
    delay, rate = robots.crawl_delay(PROJECT), robots.request_rate(PROJECT)
    return max(float(delay or 0), rate.seconds / rate.requests if rate is not None else 0.0)


def _whole_seconds(value: str) -> int:
    whole, _, part = value.partition(".")
    if len(whole.lstrip("0")) > len(str(_ENDLESS)) - 1:
        return _ENDLESS
    return int(whole or 0) + bool(part.strip("0"))


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
