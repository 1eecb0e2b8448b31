"""The types of PostgreSQL that SQLx knows by number: 92, each with a word of its own.

Their OIDs are fixed in the server's source. All other types are looked up.
"""

from __future__ import annotations

__all__ = ["VARIANTS", "declared"]

ARRAY = "Array"

# SQLx's word: the type's OID and its array's, in the order of the server's catalog.
PAIRS = {
    "Bool": (16, 1000),
    "Bytea": (17, 1001),
    "Char": (18, 1002),
    "Name": (19, 1003),
    "Int8": (20, 1016),
    "Int2": (21, 1005),
    "Int4": (23, 1007),
    "Text": (25, 1009),
    "Oid": (26, 1028),
    "Json": (114, 199),
    "Point": (600, 1017),
    "Lseg": (601, 1018),
    "Path": (602, 1019),
    "Box": (603, 1020),
    "Polygon": (604, 1027),
    "Line": (628, 629),
    "Cidr": (650, 651),
    "Float4": (700, 1021),
    "Float8": (701, 1022),
    "Circle": (718, 719),
    "Macaddr8": (774, 775),
    "Money": (790, 791),
    "Macaddr": (829, 1040),
    "Inet": (869, 1041),
    "Bpchar": (1042, 1014),
    "Varchar": (1043, 1015),
    "Date": (1082, 1182),
    "Time": (1083, 1183),
    "Timestamp": (1114, 1115),
    "Timestamptz": (1184, 1185),
    "Interval": (1186, 1187),
    "Timetz": (1266, 1270),
    "Bit": (1560, 1561),
    "Varbit": (1562, 1563),
    "Numeric": (1700, 1231),
    "Record": (2249, 2287),
    "Uuid": (2950, 2951),
    "Jsonb": (3802, 3807),
    "Int4Range": (3904, 3905),
    "NumRange": (3906, 3907),
    "TsRange": (3908, 3909),
    "TstzRange": (3910, 3911),
    "DateRange": (3912, 3913),
    "Int8Range": (3926, 3927),
    "Jsonpath": (4072, 4073),
}

VARIANTS: dict[int, str] = {
    705: "Unknown",
    2278: "Void",
    **{oid: name for name, (oid, _array) in PAIRS.items()},
    **{array: f"{name}{ARRAY}" for name, (_oid, array) in PAIRS.items()},
}
"""SQLx's word of each OID."""


def declared(variant: str) -> str:
    """Name a built-in type in SQL, whatever the search path is."""
    name = variant.removesuffix(ARRAY)
    return f'pg_catalog."{name.lower()}"{"[]" if name != variant else ""}'
