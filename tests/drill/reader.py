"""The server's side of the documents: their blocks are run here, and nowhere else."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from documents import blocks_of, entries_of, pattern_of
from drill.host import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from documents import Block, Entry
    from drill.desk import Desk, Said

__all__ = ["SQLX_TOML", "Reader"]

DOCUMENTS = ("docs/migrations.md", "docs/operations.md")
# The command says it each time, and the documents leave it out.
SQLX_TOML = "Found `sqlx.toml` in current directory; reading...\n"
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
# A line of these alone holds for the rest of its block.
HOLDS = re.compile(r"(?:cd|export) [^&|;\n]*")


def sections_of(text: str) -> Iterator[tuple[str, list[Block]]]:
    """Take a document apart at its headings: each with the blocks below it."""
    fenced = {
        line
        for block in blocks_of(text)
        for line in range(block.line, block.line + block.text.count("\n") + 2)
    }
    headings = [
        (text.count("\n", 0, match.start()) + 1, match[1])
        for match in HEADING.finditer(text)
    ]
    starts = [(line, title) for line, title in headings if line not in fenced]
    ends = [line for line, _ in starts[1:]] + [sys.maxsize]
    for (start, title), end in zip(starts, ends, strict=True):
        yield title, [b for b in blocks_of(text) if start < b.line < end]


def of_servers(block: Block) -> bool:
    """Whether a block is typed on a server, or where one deploys from."""
    return block.kind == "console" and block.path in {"server", "deploy"}


@dataclass(slots=True)
class Reader:
    """Somebody who follows a document, section by section.

    Args:
        desk: Where the reader sits.
        words: What the placeholders of a command stand for, by their names.
        ran: The blocks that were run: document and line.
    """

    desk: Desk
    words: dict[str, str] = field(default_factory=dict)
    ran: set[tuple[str, int]] = field(default_factory=set)

    def left(self) -> list[str]:
        """Name the blocks that nobody has run."""
        return [
            f"{document}:{block.line}"
            for document in DOCUMENTS
            for block in blocks_of(self.text_of(document))
            if of_servers(block) and (document, block.line) not in self.ran
        ]

    def text_of(self, document: str) -> str:
        """Read a document of the clone."""
        return (self.desk.clone / document).read_text(encoding="utf-8")

    def follow(self, document: str, title: str) -> list[Said]:
        """Do what a section says, and give what was said to each command."""
        found = [
            blocks
            for heading, blocks in sections_of(self.text_of(document))
            if heading == title
        ]
        assert len(found) == 1, f"{document} has {len(found)} sections {title!r}"
        said = []
        for block in filter(of_servers, found[0]):
            said += self.type_in(block, f"{document}:{block.line}")
            self.ran.add((document, block.line))
        return said

    def file_of(self, document: str, path: str) -> str:
        """Find the text of a file that a document has its reader write."""
        blocks = blocks_of(self.text_of(document))
        (found,) = [block.text for block in blocks if block.path == path]
        return found

    def type_in(self, block: Block, place: str) -> list[Said]:
        """Type each command of a block, and compare what it prints."""
        typed = self.desk.on_host if block.path == "server" else self.desk.type_in
        held, heard = "", []
        for entry in entries_of(block.text):
            command = self.settled(entry.command)
            said = typed(held + command)
            self.compare(entry, said, f"{place}: $ {command}")
            heard.append(said)
            if HOLDS.fullmatch(command):
                held += f"{command} && "
        return heard

    def compare(self, entry: Entry, said: Said, place: str) -> None:
        """Compare what was printed with what the document says."""
        assert (said.code != 0) is entry.fails, f"{place}\n{said.text}"
        expected = entry.expected.replace("smally.example.com", NAME)
        text = said.text.replace(SQLX_TOML, "")
        assert pattern_of(expected).fullmatch(text), (
            f"{place}\n{text}\nis not what is documented:\n{expected}"
        )

    def settled(self, command: str) -> str:
        """Put in what a command's placeholders stand for."""
        for name, word in self.words.items():
            command = command.replace(f"<{name}>", word)
        return command.replace("smally.example.com", NAME)
