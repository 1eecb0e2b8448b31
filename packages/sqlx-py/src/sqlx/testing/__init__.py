"""A fresh, migrated database for every test: pytest's plugin, `sqlx-py[testing]`.

Tests ask for the fixtures of `plugin` by name. Theory of operation:

- `wishes` reads what a test asks for: a server, migrations, SQL fixtures; `session`
  stands between pytest and the rest.
- What migrations have made is remembered, one for each digest: on PostgreSQL a sealed
  database, which is cloned for each test; on MySQL a database that is written down, and
  written anew; `sqlite` makes a file, which is copied.
- `server` is what PostgreSQL and MySQL have in common; `postgres` and `mysql` are the
  rooms where each is asked in its own words.
- A server is shared by processes that do not know each other and may be killed at any
  moment. What they know of each other are locks, which the server takes back from
  whoever ends: `names` has the names that tell of them, `sweeping` drops what nobody
  living holds.
- `stock` is all that one process has: its servers, and what went wrong before.

`python -m sqlx.testing` starts the embedded test server and names the databases kept.
"""

from sqlx.testing.factory import DatabaseFactory

__all__ = ["DatabaseFactory"]
