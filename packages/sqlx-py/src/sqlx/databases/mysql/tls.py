"""How a connection is protected, by SQLx's `ssl-mode` (migrations.md 9.2)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from sqlx.errors import ConnectionFailed

if TYPE_CHECKING:
    from sqlx.config.mysql_url import MySqlUrl

__all__ = ["is_preferred", "keywords", "unverified"]


def keywords(url: MySqlUrl) -> dict[str, Any]:
    """Give PyMySQL's keywords for TLS that must be, or must not.

    Raises:
        ConnectionFailed: A certificate cannot be read.
    """
    if url.ssl_mode == "disabled" or is_preferred(url):
        return {"ssl_disabled": True}
    try:
        return {"ssl": _context(url)}
    except OSError as error:
        raise ConnectionFailed(f"TLS: {error}", final=True) from None


def is_preferred(url: MySqlUrl) -> bool:
    """Tell whether TLS is used where the server has it; over TCP, that is."""
    return url.ssl_mode == "preferred" and not url.ssl_cert


def unverified() -> ssl.SSLContext:
    """Protect from those who only listen: nothing is verified, no authority is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _context(url: MySqlUrl) -> ssl.SSLContext:
    context = unverified()
    if url.ssl_mode.startswith("verify"):
        context = ssl.create_default_context(cafile=url.ssl_ca)
        context.check_hostname = url.ssl_mode == "verify_identity"
        # The certificates that MySQL makes for itself do not pass the strict rules.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if url.ssl_cert:
        context.load_cert_chain(url.ssl_cert, url.ssl_key)
    return context
