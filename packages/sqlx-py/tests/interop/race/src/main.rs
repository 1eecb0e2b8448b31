//! Migrates as a Rust application does at its start, `sqlx::migrate!().run(…)`, whenever
//! it is told to. The other runner, `racer.py`, speaks the same protocol:
//!
//! in `connected URL` or `apart URL` (connect before, or after, the start)
//! out `ready`
//! in any line: start
//! out `ok`, or `error: …`

use std::error::Error;
use std::io::{self, BufRead, Write};

use sqlx::migrate::Migrator;
use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

type Outcome = Result<(), Box<dyn Error>>;

enum Database {
    MySql(MySqlConnection),
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

async fn connect(url: &str) -> Result<Database, sqlx::Error> {
    if url.starts_with("sqlite:") {
        SqliteConnection::connect(url).await.map(Database::Sqlite)
    } else if url.starts_with("mysql:") {
        MySqlConnection::connect(url).await.map(Database::MySql)
    } else {
        PgConnection::connect(url).await.map(Database::Postgres)
    }
}

async fn migrate(database: Database) -> Outcome {
    match database {
        Database::MySql(mut connection) => {
            MIGRATOR.run(&mut connection).await?;
            connection.close().await?;
        }
        Database::Postgres(mut connection) => {
            MIGRATOR.run(&mut connection).await?;
            connection.close().await?;
        }
        Database::Sqlite(mut connection) => {
            MIGRATOR.run(&mut connection).await?;
            connection.close().await?;
        }
    }
    Ok(())
}

async fn round(manner: &str, url: &str, lines: &mut impl Iterator<Item = String>) -> Outcome {
    let early = match manner {
        "connected" => Some(connect(url).await?),
        _ => None,
    };
    say("ready");
    lines.next().ok_or("no start")?;
    let database = match early {
        Some(database) => database,
        None => connect(url).await?,
    };
    migrate(database).await
}

fn say(line: &str) {
    println!("{line}");
    io::stdout().flush().expect("stdout is open");
}

fn main() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut lines = io::stdin().lock().lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        let (manner, url) = line.split_once(' ').ok_or("want a manner and a URL")?;
        match runtime.block_on(round(manner, url, &mut lines)) {
            Ok(()) => say("ok"),
            Err(error) => say(&format!("error: {error}").replace('\n', " ")),
        }
    }
    Ok(())
}
