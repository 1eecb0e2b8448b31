"""Compares what a query is given with the parameters that its SQL has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.queries.annotations import Form
from sqlx.queries.checking.codes import finding
from sqlx.queries.checking.drivers import driver_misfit
from sqlx.queries.checking.fitting import TABLES, misfit, python_type, type_name
from sqlx.queries.checking.rules import Way, against, write
from sqlx.queries.checking.wording import count, is_call, says_nothing, unresolved
from sqlx.queries.values import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.annotations import Annotation
    from sqlx.queries.checking.wording import Wrong
    from sqlx.queries.sites import Finding, Site
    from sqlx.queries.values import Description, TypeInfo

__all__ = ["check_parameters"]


def check_parameters(site: Site, described: Description) -> Iterator[Finding]:
    """Compare the number of parameters; where that is right, their types.

    An argument whose type is not evident is passed over, and so is what a `cast` takes
    on itself.
    """
    given = site.parameters
    if given is None:
        return
    if len(given) != described.parameter_count:
        yield finding(site.place, "param-count", _miscounted(site, described))
        return
    word = "argument" if is_call(site) else "parameter"
    types = described.parameters
    for index, parameter in enumerate(given):
        annotation = parameter.annotation
        if annotation is None or not parameter.checked:
            continue
        who = f'{word} "{parameter.name}"'
        wrong = unresolved(annotation, who)
        if wrong is None and isinstance(types, int):
            wrong = _untyped(annotation, who, described.database)
        elif wrong is None and not isinstance(types, int):
            wrong = _typed(types[index], index + 1, annotation, who, site.driver)
        if wrong is not None:
            yield finding(parameter.place, *wrong)


def _miscounted(site: Site, described: Description) -> str:
    known = count(described.parameter_count, "parameter")
    given = len(site.parameters or ())
    if is_call(site):
        return f"the query has {known}, the call gives {given}"
    return f"the query has {known}, the function takes {given} after the connection"


def _typed(
    type_info: TypeInfo, number: int, annotation: Annotation, who: str, driver: str
) -> Wrong | None:
    """Compare an annotation with the type that the server inferred."""
    database, way = Database.POSTGRES, Way.PARAMETER
    wrong = misfit(type_info, annotation, way, database)
    wrong = wrong or driver_misfit(type_info, annotation, way, driver)
    if wrong is None:
        return None
    known = f"${number} is {type_name(type_info, database)}"
    if annotation.form is Form.ANY:
        mend = f"{known}, {write(python_type(type_info, database))}"
        return says_nothing(annotation, who, "is", mend)
    return "param-type", f"{known}, {who} is {annotation.text}{wrong}"


def _untyped(annotation: Annotation, who: str, database: Database) -> Wrong | None:
    """Tell whether a value can be sent at all; no more is known."""
    rule = TABLES[database].parameter
    if rule is None:
        return None
    members = annotation.items if annotation.form is Form.UNION else (annotation,)
    found = (against(rule, member, Way.PARAMETER) for member in members)
    wrong = next((each for each in found if each is not None), None)
    if wrong is None:
        return None
    if annotation.form is Form.ANY:
        return says_nothing(annotation, who, "is", "write the class of what is passed")
    reason = wrong.reason and f": {wrong.reason}"
    message = f"{who} is {annotation.text}, which {database.value} cannot take{reason}"
    return "param-type", message
