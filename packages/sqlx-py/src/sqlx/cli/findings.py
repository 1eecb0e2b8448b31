"""What the checks have to say, and the three ways in which it is printed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlx.queries.sites import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Finding", "Severity", "as_github", "as_json", "as_text", "summary"]


def as_text(findings: Iterable[Finding]) -> Iterator[str]:
    """Write `path:line:column: error: message [code]`, as compilers do."""
    for finding in findings:
        where = finding.path
        if finding.line is not None:
            where += f":{finding.line}:{finding.column or 1}"
        yield f"{where}: {finding.severity.value}: {finding.message} [{finding.code}]"
        yield from finding.excerpt.splitlines()


def as_github(findings: Iterable[Finding]) -> Iterator[str]:
    """Write the commands with which a GitHub workflow marks lines of a pull request."""
    for finding in findings:
        place = {"file": finding.path, "line": finding.line, "col": finding.column}
        facts = {**place, "title": f"sqlx: {finding.code}"}
        known = (
            f"{name}={_escaped(str(value), ':,')}"
            for name, value in facts.items()
            if value is not None
        )
        command = f"{finding.severity.value} {','.join(known)}"
        yield f"::{command}::{_escaped(finding.message)}"


def as_json(findings: Iterable[Finding]) -> Iterator[str]:
    """Write one document: `{"findings": [{"path": …, "line": …, …}]}`."""
    values = [
        {**asdict(finding), "severity": finding.severity.value} for finding in findings
    ]
    for value in values:
        if not value["excerpt"]:
            del value["excerpt"]
    yield json.dumps({"findings": values}, indent=2, ensure_ascii=False)


def summary(findings: Iterable[Finding]) -> str:
    """Count what was found, in words."""
    severities = [finding.severity for finding in findings]
    counts = (
        (severities.count(Severity.ERROR), "error"),
        (severities.count(Severity.WARNING), "warning"),
        (severities.count(Severity.NOTICE), "pending migration"),
    )
    found = [
        f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count
    ]
    return ", ".join(found) or "all is as it should be"


def _escaped(text: str, more: str = "") -> str:
    # The signs that end a part of a workflow command, and the one that escapes them.
    for sign in "%\r\n" + more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
