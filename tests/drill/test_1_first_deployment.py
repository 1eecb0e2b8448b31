"""A fresh server, the first deployment, and what works on it as documented."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drill.desk import DEPLOY
from drill.reader import SQLX_TOML

if TYPE_CHECKING:
    from drill.desk import Desk
    from drill.reader import Reader

MIGRATIONS, OPERATIONS = "docs/migrations.md", "docs/operations.md"
THREE_LINES = [
    "[INFO] Running database migrations...",
    "[INFO] Database migrations completed",
    "[INFO] Database connection pool initialized",
]
HIGHEST_EXPOSURE = 2.0


def test_without_a_build_the_play_says_what_to_do_first(desk: Desk) -> None:
    """Nothing is built yet, so the example's secrets or the tarball are refused."""
    said = desk.type_in(DEPLOY.removesuffix(" --ask-vault-pass"))
    assert said.code != 0
    assert "ansible-vault create ansible/group_vars/smally/vault.yml" in said.text


def test_the_first_deployment_goes_as_documented(
    desk: Desk, reader: Reader, figures: dict[str, str]
) -> None:
    """From a clone to a server that serves: vault, commit, build, deploy."""
    *_, build, deploy = reader.follow(OPERATIONS, "First deployment")
    figures["build in containers"] = f"{build.seconds:.0f} s"
    figures["first deployment"] = f"{deploy.seconds:.0f} s"
    assert deploy.of_run("failed") == 0
    assert desk.ready() == '{"status":"ready"} 200'
    reader.words["first"] = desk.live()


def test_the_journal_has_the_three_lines(desk: Desk) -> None:
    """Each stands alone on its line, in this order."""
    lines = desk.must("sudo journalctl -u smally -o cat").splitlines()
    assert [line for line in lines if line in THREE_LINES] == THREE_LINES


def test_the_admin_and_the_key_are_made_once(desk: Desk, reader: Reader) -> None:
    """The second run keeps both; the key alone goes to standard output."""
    reader.desk = desk
    _, made, _ = reader.follow(MIGRATIONS, "Initial setup on first deployment")
    reader.words["key"] = made.text.partition("\n")[0]
    init = "cd /home/smally/smally-api && ./scripts/init_db.sh"
    more = desk.must(f"{init} admin@example.com scale --new-key 2>/dev/null")
    assert re.fullmatch(r"smk_[\w-]{49}\n", more)
    refused = desk.on_host(f"{init} admin@example.com gold")
    assert refused.code == 2
    assert "free, pro, scale" in refused.text


def test_the_api_answers_from_outside(desk: Desk, reader: Reader) -> None:
    """It embeds for a key, refuses without one, and shows its numbers to nobody."""
    reader.follow(OPERATIONS, "Asking the service from outside")
    ask = "curl --silent --insecure --output /dev/null --write-out '%{http_code}' "
    embed = f'{ask} https://smally.test/v1/embed --json \'{{"input": "x"}}\''
    assert desk.type_in(embed).text == "401"
    assert desk.type_in(f"{ask} https://smally.test/metrics").text == "404"
    assert desk.type_in(f"{ask} http://smally.test/health/ready").text == "301"


def test_sqlx_works_by_hand(desk: Desk) -> None:
    """For the inventory's user as it is; others are told what to type."""
    run = "cd /home/smally/smally-api && sqlx migrate run"
    assert desk.must(run) == SQLX_TOML
    outsider = desk.on_host("cd / && sudo -u nobody sqlx migrate run --dry-run")
    assert outsider.code == 1
    assert "run: sudo -u smally sqlx migrate run --dry-run\n" in outsider.text
    assert desk.must("cd / && sudo -u smally sqlx migrate run") == SQLX_TOML


def test_a_second_run_and_a_check_change_nothing(
    reader: Reader, figures: dict[str, str]
) -> None:
    """The documents' everyday commands, with nothing new in dist/."""
    check, again = reader.follow(OPERATIONS, "The everyday change")
    assert [said.of_run("changed") for said in (check, again)] == [0, 0]
    figures["deployment with nothing new"] = f"{again.seconds:.0f} s"


def test_the_service_is_confined(desk: Desk, figures: dict[str, str]) -> None:
    """The measure of systemd itself, while it serves from /home as its own user."""
    assert desk.ready() == '{"status":"ready"} 200'
    process = desk.must("systemctl show --property=MainPID --value smally").strip()
    command = desk.must(f"sudo cat /proc/{process}/cmdline").split("\0")
    assert command[0].startswith("/home/smally/")
    assert desk.must(f"ps --no-headers -o user {process}").strip() == "smally"
    last = desk.must("systemd-analyze --no-pager security smally").splitlines()[-1]
    exposure = re.search(r"Overall exposure level for smally.service: ([\d.]+)", last)
    assert exposure is not None, last
    figures["systemd-analyze security smally"] = exposure[1]
    assert float(exposure[1]) <= HIGHEST_EXPOSURE


def test_looking_after_it_backups_and_roles_are_as_documented(reader: Reader) -> None:
    """The blocks for an operator on a server that serves."""
    reader.follow(OPERATIONS, "Looking after it")
    made, _ = reader.follow(OPERATIONS, "Backups")
    reader.words["backup"] = made.text.split()[-1].rpartition("/")[2]
    reader.follow(OPERATIONS, "Restoring a backup")
    reader.follow(OPERATIONS, "Roles")
