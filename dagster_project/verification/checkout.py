"""A checkout against the code, rules and versions that a release was made with."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.errors import ExitCode, WrongUsage
from dagster_project.methodology.rule_set import read_rules, write_rules
from dagster_project.releases.identity import hash_code, hash_rules, locked_versions
from dagster_project.verification.findings import Check, compared, names_in

CODE = "code"
RULES = "rules"
VERSIONS = "versions"
_SEEDS = "dbt/seeds/methodology"


def has_own_rules(content: Mapping[str, Any]) -> bool:
    """Whether a release was made with rules of `--rules` rather than those of its code."""
    return any(sha256 != content["code"].get(f"{_SEEDS}/{name}") for name, sha256 in content["rules"].items())


def check_code(content: Mapping[str, Any], project_root: Path) -> Check:
    """Each path of the package, dbt and expectations below `project_root`, by its hash with LF ends."""
    now = hash_code(project_root)
    findings = compared(content["code"], now)
    return Check(CODE, names_in(content["code"], now), tuple(findings), ExitCode.INPUT_MISSING)


def check_rules(content: Mapping[str, Any], project_root: Path, rules_dir: Path | None) -> Check:
    """Each table of rules: those of the checkout, or where the release had its own, those of `rules_dir`.

    Raises WrongUsage where rules are given to a release that had none of its own.
    """
    then: dict[str, str] = content["rules"]
    if not has_own_rules(content):
        if rules_dir is not None:
            raise WrongUsage("This release was made with its code's own rules: leave out --rules.")
        now = hash_rules(project_root / _SEEDS)
    elif rules_dir is None:
        needed = "the release was made with rules of its own, of which it holds only the hashes: give the "
        return Check(RULES, (), exit_code=ExitCode.INPUT_MISSING, not_done=needed + "folder with --rules")
    else:
        now = hash_rules_laid_over(rules_dir, then)
    return Check(RULES, names_in(then, now), tuple(compared(then, now)), ExitCode.INPUT_MISSING)


def check_versions(content: Mapping[str, Any]) -> Check:
    """The installed versions of the packages that can change a release's bytes."""
    then, now = content["versions"], locked_versions()
    findings = compared(then, now, kind="version")
    return Check(VERSIONS, names_in(then, now), tuple(findings), ExitCode.INPUT_MISSING)


def hash_rules_laid_over(rules_dir: Path, then: Mapping[str, str]) -> dict[str, str]:
    """The hashes of a folder of rules as a run uses them: whole, or laid over the code's own."""
    whole = hash_rules(rules_dir)
    if whole == then:
        return whole
    with tempfile.TemporaryDirectory() as place:
        write_rules(read_rules(rules_dir), Path(place))
        return hash_rules(Path(place))
