"""YAML as the project reads it: safe, and a key stands once, as PyYAML keeps the last one silently."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: the second entry would silently replace the first. Merged keys (`<<`) may."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice!r} stands there twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def strict_yaml(text: str) -> Any:
    """The content of a YAML text; raises yaml.YAMLError, also for a key that stands twice."""
    return yaml.load(text, StrictLoader)
