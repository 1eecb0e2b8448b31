"""What can be stored as an e-mail address, a key's name or a tier, and what cannot."""

from __future__ import annotations

from smally.tiers import TIERS

__all__ = ["LAST_ID", "ROLES", "fault_of_email", "fault_of_name", "fault_of_tier"]

ROLES = ("user", "admin")
LAST_ID = (1 << 63) - 1
LONGEST_EMAIL = 320
LONGEST_NAME = 100
UNSEEN = "has a character that cannot be seen"


def fault_of_email(email: str) -> str | None:
    """Say what is wrong with an e-mail address; None for one that can be stored.

    Source:
        users_email_check, in migrations/20250114000000_initial_schema.sql; that nobody
        is mistaken for another because of what cannot be seen, is ours.
    """
    if len(email) > LONGEST_EMAIL:
        return f"has more than {LONGEST_EMAIL} characters"
    if "@" not in email[1:-1]:
        return "needs an @ with something on both sides"
    if email != email.strip(" "):
        return "begins or ends with a blank"
    return None if email.isprintable() else UNSEEN


def fault_of_name(name: str) -> str | None:
    """Say what is wrong with the name of a key; None for one that can be stored."""
    if not 1 <= len(name) <= LONGEST_NAME:
        return f"needs 1 to {LONGEST_NAME} characters"
    return None if name.isprintable() else UNSEEN


def fault_of_tier(tier: str) -> str | None:
    """Say which tiers there are, when this is none of them."""
    return None if tier in TIERS else f"is none of {', '.join(TIERS)}"
