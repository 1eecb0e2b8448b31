"""Makes a site of a draft, once the types that it shows are known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from sqlx.queries.annotations import Annotation, Form, Returns, Shape
from sqlx.queries.collecting.connections import database_of, driver_of, is_value
from sqlx.queries.collecting.drafts import error_at
from sqlx.queries.resolving import Unresolved
from sqlx.queries.returns import NotAReturn, returns_of
from sqlx.queries.sites import Parameter, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlx.queries.collecting.drafts import Argument, Draft
    from sqlx.queries.collecting.evidence import Evidence
    from sqlx.queries.sites import Finding, Place

__all__ = ["Types", "finish"]

Types: TypeAlias = "Mapping[Evidence, Annotation | Unresolved | None]"


def finish(draft: Draft, types: Types | None) -> tuple[Site | None, list[Finding]]:
    """Make a site.

    Args:
        draft: What the tree shows.
        types: What its evidence shows; None when its module was not imported.

    Returns:
        The site, or None when it has no SQL to check; and what is wrong already, but
        for what a comment silences.
    """
    maker = _Maker(draft, types or {})
    site = maker.site()
    codes = {finding.code for finding in maker.findings}
    silenced = {ignore.code for ignore in draft.ignores}
    loud = [finding for finding in maker.findings if finding.code not in silenced]
    if site is None:
        return None, loud
    # Without types nobody can tell whether there would be something to silence.
    ignores = (
        replace(ignore, used=types is None or ignore.code in codes)
        for ignore in draft.ignores
    )
    return replace(site, ignores=tuple(ignores)), loud


class _Maker:
    """Makes the parts of one site, and notes what is wrong on the way."""

    def __init__(self, draft: Draft, types: Types) -> None:
        self.draft, self.types = draft, types
        self.findings = [*draft.findings]

    def site(self) -> Site | None:
        """Put the parts together."""
        draft = self.draft
        connection = self._known(draft.connection)
        parameters = self._parameters()
        if draft.is_declared and connection is not None and is_value(connection):
            parameters = None
            reason = f'the first parameter of "{draft.name}" is {connection.text}'
            message = f"{reason}; put the connection before it"
            self.findings.append(error_at(draft.place, "connection", message))
        returns = self._returns()
        if draft.text is None:
            return None
        return Site(
            draft.name,
            draft.text,
            draft.place,
            returns,
            draft.returns_place,
            parameters,
            None if connection is None else database_of(connection),
            driver="" if connection is None else driver_of(connection),
        )

    def _known(self, evidence: Evidence | None) -> Annotation | None:
        """Give a type that is known; what is not is nobody's fault."""
        found = self.types.get(evidence) if evidence is not None else None
        if isinstance(found, Unresolved) or found is None:
            return None
        return None if next(_unresolved(found), None) else found

    def _needed(self, evidence: Evidence | None, place: Place) -> Annotation | None:
        """Give a type that must be known, since the user wrote it for us."""
        found = self.types.get(evidence) if evidence is not None else None
        if isinstance(found, Unresolved):
            self._report(place, found.text, found.reason)
            return None
        missing = next(_unresolved(found), None) if found is not None else None
        if missing is None:
            return found
        self._report(place, missing, "a name in it does not exist")
        return None

    def _report(self, place: Place, text: str, reason: str) -> None:
        message = f'"{text}" cannot be resolved: {reason}'
        self.findings.append(error_at(place, "unresolved", message))

    def _parameters(self) -> tuple[Parameter, ...] | None:
        given = self.draft.arguments
        return None if given is None else tuple(map(self._parameter, given))

    def _parameter(self, argument: Argument) -> Parameter:
        if self.draft.is_declared:
            annotation = self._needed(argument.evidence, argument.place)
        else:
            annotation = self._known(argument.evidence)
            if annotation is not None and annotation.form is Form.ANY:
                annotation = None  # That says no more than no annotation.
        return Parameter(argument.name, annotation, argument.place, argument.checked)

    def _returns(self) -> Returns | None:
        draft = self.draft
        annotation = self._needed(draft.returns, draft.returns_place)
        if annotation is None:
            return None
        if draft.shape is not None:
            is_executed = draft.shape is Shape.EXECUTE
            return Returns(draft.shape, None if is_executed else annotation)
        try:
            return returns_of(annotation, is_async=draft.is_async)
        except NotAReturn as error:
            place = draft.returns_place
            self.findings.append(error_at(place, "returns", str(error)))
            return None


def _unresolved(annotation: Annotation) -> Iterator[str]:
    """List the names that do not exist; those in fields are told with their columns."""
    if annotation.form is Form.UNRESOLVED:
        yield annotation.text
    for item in annotation.items:
        yield from _unresolved(item)
