"""Good manners towards a publisher's host: who asks, how often at most, and what robots.txt forbids."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from dagster_project.errors import InputMissing
from dagster_project.extracts.patience import Patience

PROJECT = "nhs-league-tables"
USER_AGENT = f"{PROJECT}/{version(PROJECT)} (reads published statistics; few requests, conditional)"

# The text of a host's robots.txt; None where it has none.
RobotsText = Callable[[str], str | None]


class Politeness:
    """Keeps `least_seconds` between two requests to a host, or what its robots.txt asks if that is more."""

    def __init__(self, least_seconds: float, patience: Patience, robots_text: RobotsText) -> None:
        self._least_seconds = least_seconds
        self._patience = patience
        self._robots_text = robots_text
        self._robots: dict[str, RobotFileParser] = {}
        self._asked_last: dict[str, float] = {}

    def before_request(self, url: str) -> None:
        """Waits for the host's turn; raises InputMissing where robots.txt forbids the address."""
        robots = self._robots_of(url)
        if not robots.can_fetch(PROJECT, url):
            raise InputMissing(
                f"{url}: expected an address that the publisher lets programs read; found it disallowed in "
                f"{_site(url)}/robots.txt. Download the file in a browser and use --extracts DIR."
            )
        self._wait(url, float(robots.crawl_delay(PROJECT) or 0))

    def _robots_of(self, url: str) -> RobotFileParser:
        site = _site(url)
        if site not in self._robots:
            self._wait(url, 0)
            robots = RobotFileParser()
            robots.parse((self._robots_text(f"{site}/robots.txt") or "").splitlines())
            self._robots[site] = robots
        return self._robots[site]

    def _wait(self, url: str, asked: float) -> None:
        site, now = _site(url), self._patience.monotonic()
        if site in self._asked_last:
            due = self._asked_last[site] + max(self._least_seconds, asked)
            if due > now:
                self._patience.sleep(due - now)
        self._asked_last[site] = self._patience.monotonic()


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
