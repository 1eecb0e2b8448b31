"""The query of a PostgreSQL URL, as keywords of libpq.

Source:
    SQLx `PgConnectOptions::parse_from_url`; PostgreSQL 18's manual, 34.1.2.
"""

from __future__ import annotations

import re

from sqlx.config.grammar import pairs, quoted, refused
from sqlx.config.server_url import refuse_at_sign

__all__ = ["SECRETS", "read_parameters", "ssl_mode"]

# What libpq calls SQLx's parameters.
_ALIASES = {
    "ssl-mode": "sslmode",
    "ssl-root-cert": "sslrootcert",
    "ssl-ca": "sslrootcert",
    "ssl-cert": "sslcert",
    "ssl-key": "sslkey",
}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SERVER_KINDS = ("any", "read-write", "read-only", "primary", "standby")
_CHOICES = {
    "sslmode": _SSL_MODES,
    "target_session_attrs": (*_SERVER_KINDS, "prefer-standby"),
    "gssencmode": ("disable", "prefer", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "pooled": ("true", "false"),  # Ours: a transaction pooler stands in between.
}
# Not there: client_encoding and replication, which would change what we read.
_OTHER_KEYWORDS = """
    host hostaddr port dbname user password passfile require_auth connect_timeout
    options application_name fallback_application_name keepalives keepalives_idle
    keepalives_interval keepalives_count tcp_user_timeout sslnegotiation sslcompression
    sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir
    sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version
    min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation
    scram_client_key scram_server_key service oauth_issuer oauth_client_id
    oauth_client_secret oauth_scope
"""
_KEYWORDS = frozenset(_OTHER_KEYWORDS.split())

SECRETS = frozenset(
    {
        "oauth_client_secret",
        "password",
        "scram_client_key",
        "scram_server_key",
        "sslpassword",
    }
)


def read_parameters(query: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read a query into keywords of libpq, and warnings about names it does not know.

    The last value of a name counts, and all those of `options`; an empty one does not.
    `statement-cache-capacity` is SQLx's and has no effect here.

    Raises:
        ConfigurationError: A value is not one of those that its name allows.
    """
    given: dict[str, str] = {}
    warnings = []
    for written in pairs(query):
        name, value = _in_libpq(*written)
        if name in _CHOICES:
            given[name] = _choice(name, value)
        elif name == "options" and name in given:
            given[name] += f" {value}"
        elif name in _KEYWORDS:
            given[name] = value
        elif name != "statement-cache-capacity":
            refuse_at_sign(name + value)
            warnings.append(
                f"ignoring unrecognized connect parameter {quoted(name)}; "
                "correct its spelling or remove it"
            )
    return {name: value for name, value in given.items() if value}, tuple(warnings)


def ssl_mode(value: str) -> str | None:
    """Give libpq's name for a mode of SQLx's; None for what is no mode.

    Source:
        SQLx compares without regard to case, and treats `allow` as `disable`.
    """
    mode = value.lower()
    if mode not in _SSL_MODES:
        return None
    return "disable" if mode == "allow" else mode


def _in_libpq(name: str, value: str) -> tuple[str, str]:
    """Translate SQLx's names; `options[k]=v` means `-c k=v`, escaped."""
    option = re.fullmatch(r"options\[(.*)\]", name, re.DOTALL)
    if option is None:
        return _ALIASES.get(name, name), value
    setting = re.sub(r"[ \\]", r"\\\g<0>", f"{option[1]}={value}")
    return "options", f"-c {setting}"


def _choice(name: str, value: str) -> str:
    refuse_at_sign(value)
    if value.lower() not in _CHOICES[name]:
        shown = "ssl_mode" if name == "sslmode" else name
        raise refused(
            f"unknown value {quoted(value)} for `{shown}`",
            f"choose one of {', '.join(_CHOICES[name])}",
        )
    return ssl_mode(value) or value.lower()
