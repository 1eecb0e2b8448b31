"""The tiers: what each allows, in the only place where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TIERS", "Tier"]


@dataclass(frozen=True, slots=True)
class Tier:
    """The limits of a user; both count what was answered.

    Args:
        name: As users.tier has it.
        requests_a_minute: Of a minute that begins with its first request.
        texts_a_day: Of a day of UTC.
    """

    name: str
    requests_a_minute: int
    texts_a_day: int


TIERS: Mapping[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier("free", 60, 1_000),
        Tier("pro", 600, 50_000),
        Tier("scale", 6_000, 1_000_000),
    )
}
