"""Migrations as a project has them, for each kind of database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CORPORA", "Corpus"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Migrations as a project has them: one in five makes a table.

    Args:
        name: In the tables of figures.
        count: How many there are.
        growing: How many of them, the first ones, may make tables and indexes; the
            others change what is there, and a database has no more files for them.
    """

    name: str
    count: int
    growing: int

    @property
    def is_variant(self) -> bool:
        """Whether it shows one thing only: that more migrations alone cost nothing."""
        return self.growing < self.count

    def texts(self, kind: str) -> Iterator[tuple[str, str]]:
        """Give the name and the SQL of each, for a kind of database."""
        sqlite = kind == "sqlite"
        for number in range(self.count):
            act = number % 5
            if number >= self.growing:
                act = 1 + number % 2 if sqlite else (1, 3, 4)[number % 3]
            elif not sqlite and act == 2 and number % 10 == 7:
                act = 5
            table = f"table_{number % self.growing // 5}"
            sql = ACTS[kind][act]
            yield f"{20250101000000 + number}_step.sql", sql.format(t=table, n=number)


# By act: a table, a column, an index, a constraint, a function; also a view.
POSTGRES = (
    """\
CREATE TABLE {t} (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL,
    amount NUMERIC NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE {t} IS 'What step {n} makes.';
""",
    """\
ALTER TABLE {t} ADD COLUMN note_{n} TEXT;
COMMENT ON COLUMN {t}.note_{n} IS 'For whoever reads it.';
""",
    "CREATE INDEX {t}_{n} ON {t} (name, created_at);\n",
    "ALTER TABLE {t} ADD CONSTRAINT amount_{n} CHECK (amount >= -{n});\n",
    """\
CREATE FUNCTION total_{n}(lowest NUMERIC) RETURNS NUMERIC LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(amount), 0) FROM {t} WHERE amount >= lowest
$$;
""",
    """\
CREATE VIEW recent_{n} AS
SELECT id, name FROM {t} WHERE created_at > now() - INTERVAL '1 day';
""",
)
# It adds no constraints and has no functions.
SQLITE = (
    """\
CREATE TABLE {t} (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    amount NUMERIC NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
""",
    "ALTER TABLE {t} ADD COLUMN note_{n} TEXT;\n",
    "CREATE VIEW recent_{n} AS SELECT id, name FROM {t} WHERE amount > {n};\n",
    "CREATE INDEX {t}_{n} ON {t} (name, created_at);\n",
    """\
CREATE TRIGGER checked_{n} BEFORE UPDATE ON {t} WHEN NEW.amount < -{n} BEGIN
    SELECT RAISE(ABORT, 'too little');
END;
""",
)
MYSQL = (
    """\
CREATE TABLE {t} (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    amount DECIMAL(20, 2) NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
) COMMENT 'What step {n} makes.';
""",
    "ALTER TABLE {t} ADD COLUMN note_{n} TEXT COMMENT 'For whoever reads it.';\n",
    "CREATE INDEX {t}_{n} ON {t} (name, created_at);\n",
    "ALTER TABLE {t} ADD CONSTRAINT amount_{n} CHECK (amount >= -{n});\n",
    """\
CREATE FUNCTION total_{n}(lowest DECIMAL(20, 2)) RETURNS DECIMAL(20, 2)
READS SQL DATA
RETURN (SELECT COALESCE(SUM(amount), 0) FROM {t} WHERE amount >= lowest);
""",
    """\
CREATE VIEW recent_{n} AS
SELECT id, name FROM {t} WHERE created_at > NOW() - INTERVAL 1 DAY;
""",
)
ACTS = {"postgres": POSTGRES, "sqlite": SQLITE, "mysql": MYSQL}
CORPORA = (
    Corpus("30", 30, 30),
    Corpus("170", 170, 170),
    Corpus("500", 500, 500),
    Corpus("170, same tables", 170, 30),
    Corpus("500, same tables", 500, 30),
)
