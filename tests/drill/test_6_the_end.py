"""What has to hold of the whole drill."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drill.desk import Desk
    from drill.reader import Reader

VAULT = "ansible/group_vars/smally/vault.yml"


def test_every_block_of_the_documents_was_run(reader: Reader) -> None:
    """Nothing can stand in them for servers that nobody runs."""
    assert reader.left() == []


def test_no_password_was_ever_shown(desk: Desk) -> None:
    """Neither in what anybody was told, nor in a journal, a unit or a process."""
    heard = "\n".join(desk.heard)
    seen = desk.type_in(f"ansible-vault view --ask-vault-pass {VAULT}").text
    passwords = re.findall(r"vault_\w+_password: (\w+)", seen)
    assert len(passwords) == 2
    for shown in (
        heard,
        desk.must("sudo journalctl --all"),
        desk.must(
            "systemctl show smally && sudo cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
        ),
        desk.must("sudo cat /var/log/postgresql/*.log /var/log/nginx/*"),
    ):
        assert not [word for word in passwords if word in shown]
