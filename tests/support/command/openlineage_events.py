"""What makes an OpenLineage event valid, without the network.

Two judges. The client's own typed classes: an event and each facet is parsed back into the class that its schema's
address names, an unknown field or a missing one is refused. And a schema of our own, written from the published
description of the core (version 2-0-2): what must be there, formats of times, ids and addresses.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import generated
from openlineage.client.generated import base

_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"
_ADDRESS = r"^[A-Za-z][A-Za-z0-9+.\-]*:\S+$"
_FACETS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["_producer", "_schemaURL"],
        "properties": {
            "_producer": {"type": "string", "pattern": _ADDRESS},
            "_schemaURL": {"type": "string", "pattern": _ADDRESS},
        },
    },
}
_NAMED: dict[str, Any] = {
    "namespace": {"type": "string", "minLength": 1},
    "name": {"type": "string", "minLength": 1},
    "facets": _FACETS,
}


def _dataset(more: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["namespace", "name"],
        "properties": {**_NAMED, more: _FACETS},
        "additionalProperties": False,
    }


RUN_EVENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["eventType", "eventTime", "producer", "schemaURL", "run", "job"],
    "additionalProperties": False,
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "pattern": _TIME},
        "producer": {"type": "string", "pattern": _ADDRESS},
        "schemaURL": {"type": "string", "pattern": r"/OpenLineage\.json#/\$defs/RunEvent$"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "pattern": _UUID}, "facets": _FACETS},
            "additionalProperties": False,
        },
        "job": {
            "type": "object",
            "required": ["namespace", "name"],
            "properties": _NAMED,
            "additionalProperties": False,
        },
        "inputs": {"type": "array", "items": _dataset("inputFacets")},
        "outputs": {"type": "array", "items": _dataset("outputFacets")},
    },
}


@dataclass(frozen=True)
class Event:
    """One event as it stands in the file."""

    content: Mapping[str, Any]

    @property
    def state(self) -> str:
        return str(self.content["eventType"])

    @property
    def job(self) -> str:
        return str(self.content["job"]["name"])

    def inputs(self) -> dict[str, Mapping[str, Any]]:
        return {dataset["name"]: dataset for dataset in self.content["inputs"]}

    def outputs(self) -> dict[str, Mapping[str, Any]]:
        return {dataset["name"]: dataset for dataset in self.content["outputs"]}


def events_of(file: Path) -> list[Event]:
    """The events of a run, in the order in which they were written."""
    return [Event(json.loads(line)) for line in file.read_text("utf-8").splitlines()]


def faults(event: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event by either judge; nothing if it is valid."""
    found = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(RUN_EVENT, format_checker=FormatChecker()).iter_errors(event)
    ]
    try:
        parsed(event, base.RunEvent)
        for facet in _facets(event):
            address = facet.get("_schemaURL", "")
            if address not in facet_classes():
                found.append(f"the client doesn't know the facet {address}")
            else:
                parsed(facet, facet_classes()[address])
    except (TypeError, ValueError) as error:
        found.append(str(error))
    return found


def parsed(content: Mapping[str, Any], kind: type) -> Any:
    """The content as the client's class; raises TypeError or ValueError for fields it lacks or doesn't know."""
    hints = get_type_hints(kind)
    known = {field.name: field for field in attr.fields(kind)}
    unknown = set(content) - set(known)
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {', '.join(sorted(unknown))}")
    given = {
        known[name].alias: _value(value, hints[name], f"{kind.__name__}.{name}")
        for name, value in content.items()
        if known[name].init
    }
    made = kind(**given)
    for name, value in content.items():
        if not known[name].init and getattr(made, name) != value:
            raise ValueError(f"{kind.__name__}.{name}: expected {getattr(made, name)}; found {value}")
    return made


@cache
def facet_classes() -> dict[str, type]:
    """Every facet class of the client by the address of its schema."""
    classes = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for kind in vars(import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, base.BaseFacet):
                classes[kind._get_schema()] = kind
    return classes


def _facets(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for holder in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
        for kind in ("facets", "inputFacets", "outputFacets"):
            yield from holder.get(kind, {}).values()


def _value(value: Any, hint: Any, where: str) -> Any:
    """A value as its annotation has it; facets stay as they are, as their own address says what they are."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        if option is NoneType:
            continue
        origin, arguments = get_origin(option), get_args(option)
        if origin is list and isinstance(value, list):
            return [_value(item, arguments[0], where) for item in value]
        if origin is dict and isinstance(value, dict):
            if isinstance(arguments[1], type) and issubclass(arguments[1], base.BaseFacet):
                return value
            return {key: _value(item, arguments[1], where) for key, item in value.items()}
        if option is Any:
            return value
        if isinstance(option, type) and attr.has(option) and isinstance(value, dict):
            return parsed(value, option)
        if isinstance(option, type) and _is_plain(value, option):
            return option(value) if option is not bool else value
    raise ValueError(f"{where}: {value!r} isn't {hint}")


def _is_plain(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) or (issubclass(kind, base.EventType) and value in kind.__members__)


def places_in(text: str, *more: str) -> list[str]:
    """Paths of a machine that a text holds."""
    return [
        *re.findall(r"(?<![\w.:/])/(?:tmp|dev/shm|root|home|usr|var|work)/[\w./-]*", text),
        *(m for m in more if m in text),
    ]
