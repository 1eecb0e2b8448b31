"""A Rust application with checked queries, and what cargo does with it."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interop import tools
from interop.statements import SOURCE, STATEMENTS
from interop.tools import Said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Crate"]

RAW_STRING = re.compile(r'r#"(.*?)"#', re.DOTALL)
LINES = 3  # of a function that is written
ERROR = re.compile(r"^error: (.*)\n +--> src/\w+/statements\.rs:(\d+):", re.MULTILINE)
MODULE = re.compile(r"^pub mod (\w+) \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Crate:
    """A copy of `queries/`, for one kind of database and one version of SQLx.

    Args:
        folder: Where it lies.
        kind: "postgres", "sqlite" or "mysql".
        version: SQLx's, of the library and of the command alike.
        url: The database's.
    """

    folder: Path
    kind: str
    version: str
    url: str

    @property
    def cache(self) -> Path:
        """The package's `.sqlx`."""
        return self.folder / ".sqlx"

    def create(self, parameters: Mapping[str, int]) -> None:
        """Write the package.

        Args:
            parameters: How many parameters each query has.
        """
        shutil.copytree(SOURCE, self.folder, dirs_exist_ok=True)
        manifest = self.folder / "Cargo.toml"
        text = manifest.read_text(encoding="utf-8")
        assert '"=0.9.0"' in text
        text = text.replace('"=0.9.0"', f'"={self.version}"')
        manifest.write_text(text, encoding="utf-8")
        self._statements.parent.mkdir()
        self._write({sql: parameters[sql] for sql in STATEMENTS[self.kind]})
        if self._lock.exists():
            shutil.copy(self._lock, self.folder)

    @contextmanager
    def put(self, parameters: Mapping[str, int]) -> Iterator[None]:
        """Put other statements beside those of `lib.rs`, for a while."""
        before = self._statements.read_bytes()
        self._write(parameters)
        yield
        self._statements.write_bytes(before)

    def errors(self, said: Said) -> dict[int, str]:
        """Read what Rust says of the statements that were put, by their number.

        PostgreSQL's own source lines, which SQLx 0.9 shows, become N.
        """
        told = {int(line) // LINES: words for words, line in ERROR.findall(said.err)}
        if self.kind != "postgres":
            return told
        return {n: re.sub(r"(?<= at line )\d+$", "N", told[n]) for n in told}

    def queries(self) -> tuple[str, ...]:
        """List the texts of all its queries, those of `lib.rs` first."""
        source = (SOURCE / "src/lib.rs").read_text(encoding="utf-8")
        written = dict(MODULE.findall(source))[self.kind]
        files = [path.read_text("utf-8") for path in (SOURCE / "sql").iterdir()]
        return (*RAW_STRING.findall(written), *files, *STATEMENTS[self.kind])

    def cargo(self, *words: str, **variables: str) -> Said:
        """Run cargo on it; it finds `cargo sqlx` of the version."""
        programs = tools.rust(self.version).program.parent
        kept = {k: v for k, v in os.environ.items() if "SQLX" not in k}
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        made = {
            "CARGO_INCREMENTAL": "0",
            "CARGO_TARGET_DIR": str(self._built / "target"),
            "CARGO_TERM_COLOR": "never",
            "PATH": path,
        }
        done = subprocess.run(
            ["cargo", *words],
            cwd=self.folder,
            env={**kept, "DATABASE_URL": self.url, **made, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=900,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def check(self, **variables: str) -> Said:
        """Let Rust expand all macros anew."""
        (self.folder / "src/lib.rs").touch()
        return self.cargo("check", "--quiet", "--features", self.kind, **variables)

    def prepare(self, *words: str) -> Said:
        """Let Rust prepare, or check what is prepared; and keep the lock file."""
        said = self.cargo("sqlx", "prepare", *words, "--", "--features", self.kind)
        shutil.copy(self.folder / "Cargo.lock", self._lock)
        return said

    def clean(self) -> None:
        """Remove what cargo built of it, but not of what it depends on."""
        self.cargo("clean", "--quiet", "--package", "queries")

    def _write(self, parameters: Mapping[str, int]) -> None:
        """Write a function for each statement, with what it has of parameters."""
        functions = itertools.starmap(_function, enumerate(parameters.items()))
        self._statements.write_text("".join(functions), encoding="utf-8")

    @property
    def _statements(self) -> Path:
        return self.folder / "src" / self.kind / "statements.rs"

    @property
    def _built(self) -> Path:
        return tools.rust(self.version).program.parents[2]

    @property
    def _lock(self) -> Path:
        """Where cargo's choice of versions is kept, so that it asks nobody again."""
        return self._built / f"queries-{self.version}.lock"


def _function(number: int, statement: tuple[str, int]) -> str:
    sql, parameters = statement
    arguments = ', ""' * parameters
    return (
        f"pub fn statement_{number}() {{\n"
        f"    let _ = sqlx::query_unchecked!({_literal(sql)}{arguments});\n"
        "}\n"
    )


def _literal(sql: str) -> str:
    """Write a string as Rust does; only what it cannot hold is escaped."""
    quoted = sql.replace("\\", "\\\\").replace('"', '\\"')
    escaped = re.sub(r"[\0-\x1f\x7f]", lambda m: f"\\u{{{ord(m[0]):x}}}", quoted)
    return f'"{escaped}"'
