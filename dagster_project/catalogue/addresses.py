"""Which addresses may be asked: on the hosts that the catalogue names, and in no private network by a detour."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

import httpx

from dagster_project.errors import InputMissing

_USUAL_PORTS = {"http": 80, "https": 443}


def host_and_port(host: str, port: int | None) -> str:
    """As `hosts` of a source holds it: the port stands there unless it is the usual one or the host a number."""
    host = host.casefold()
    return host if port in (None, *_USUAL_PORTS.values()) or _number(host) is not None else f"{host}:{port}"


def checked_address(asked: str, url: str, hosts: Collection[str]) -> httpx.URL:
    """The address as it will be asked; `asked` is the one that led to it, for the error.

    Raises InputMissing for an address with another scheme than http and https, with a user's name, or on a
    host or port that isn't among `hosts`; httpx.InvalidURL or ValueError for what isn't an address.
    """
    address = httpx.URL(url)
    if address.scheme not in _USUAL_PORTS:
        raise InputMissing(
            f"{asked}: expected an address of http or https; found {_shown(url)}. "
            "Download the file in a browser and use --extracts DIR."
        )
    if address.userinfo:
        raise InputMissing(
            f"{asked}: expected an address without a user's name; found one that hides its host "
            f"{address.host} behind an @. Look at the link on the publisher's page."
        )
    # Only as ASCII: a name in other letters is compared as the name server will be asked for it.
    host = address.raw_host.decode("ascii").strip("[]").rstrip(".").casefold()
    if host_and_port(host, address.port) not in {each.casefold() for each in hosts}:
        raise InputMissing(
            f"{asked}: expected an address on {' or '.join(sorted(hosts))}; found {_shown(url)}. "
            "If the publisher moved, add the host to `hosts` of the source in the catalogue."
        )
    return address


def refuse_private(url: str, peer: str, hosts: Collection[str]) -> None:
    """Raises InputMissing where the machine that answers for `url` is in a private network, is this one or a
    link-local or reserved one, unless the catalogue names its address (or localhost) itself.
    """
    address = _number(peer)
    if address is None or address.is_global or peer in hosts:
        return
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None and (mapped.is_global or str(mapped) in hosts):
        return
    if address.is_loopback and httpx.URL(url).host == "localhost":
        return
    raise InputMissing(
        f"{url}: expected a public address behind its host; found {peer}, which is private. If that is meant, "
        "add this address to `hosts` of the source in the catalogue."
    )


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None


def _shown(url: str) -> str:
    """An address as a message holds it: bounded, and without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else "?" for character in url[:300])
