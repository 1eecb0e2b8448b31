//! Queries as an application has them: their rows' types are Rust's to check. The tests
//! read the SQL from here, all that stands in raw strings, and from `sql/`; beside it they
//! write `statements.rs`, with many more.

#[cfg(feature = "mysql")]
pub mod mysql {
    pub mod statements;

    use sqlx::{MySqlConnection, Result};

    pub struct Tweet {
        pub id: i64,
        pub text: String,
        pub is_sent: bool,
        pub owner_id: Option<i64>,
    }

    pub async fn record(connection: &mut MySqlConnection, id: i64) -> Result<(i64, String)> {
        let row = sqlx::query!(r#"SELECT id, text FROM tweet WHERE id = ?"#, id)
            .fetch_one(connection)
            .await?;
        Ok((row.id, row.text))
    }

    pub async fn tweets(connection: &mut MySqlConnection) -> Result<Vec<Tweet>> {
        sqlx::query_as!(
            Tweet,
            r#"SELECT id, text, is_sent AS `is_sent: bool`, owner_id FROM tweet ORDER BY id"#
        )
        .fetch_all(connection)
        .await
    }

    pub async fn count(connection: &mut MySqlConnection) -> Result<i64> {
        sqlx::query_scalar!(r#"SELECT count(*) AS `count!` FROM tweet"#)
            .fetch_one(connection)
            .await
    }

    pub async fn send(connection: &mut MySqlConnection, id: i64) -> Result<u64> {
        sqlx::query!(r#"UPDATE tweet SET is_sent = TRUE WHERE id = ?"#, id)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    }

    pub async fn replies(connection: &mut MySqlConnection) -> Result<Vec<(i64, Option<String>)>> {
        let rows = sqlx::query_file!("sql/replies.sql")
            .fetch_all(connection)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.reply)).collect())
    }
}

#[cfg(feature = "postgres")]
pub mod postgres {
    pub mod statements;

    use sqlx::{PgConnection, Result};

    pub struct Tweet {
        pub id: i64,
        pub text: String,
        pub owner_id: Option<i64>,
        pub tags: Option<Vec<String>>,
    }

    #[derive(Debug, sqlx::Type)]
    #[sqlx(type_name = "status", rename_all = "lowercase")]
    pub enum Status {
        New,
        Open,
        Closed,
    }

    pub async fn record(connection: &mut PgConnection, id: i64) -> Result<(i64, String)> {
        let row = sqlx::query!(r#"SELECT id, text FROM tweet WHERE id = $1"#, id)
            .fetch_one(connection)
            .await?;
        Ok((row.id, row.text))
    }

    pub async fn tweets(connection: &mut PgConnection, tags: &[String]) -> Result<Vec<Tweet>> {
        sqlx::query_as!(
            Tweet,
            r#"SELECT id, text, owner_id, tags FROM tweet WHERE tags && $1 ORDER BY id"#,
            tags
        )
        .fetch_all(connection)
        .await
    }

    pub async fn count(connection: &mut PgConnection) -> Result<i64> {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM tweet"#)
            .fetch_one(connection)
            .await
    }

    pub async fn statuses(connection: &mut PgConnection) -> Result<Vec<Status>> {
        let sql = sqlx::query!(r#"SELECT status AS "status: Status" FROM tweet ORDER BY id"#);
        let rows = sql.fetch_all(connection).await?;
        Ok(rows.into_iter().map(|row| row.status).collect())
    }

    pub async fn set(connection: &mut PgConnection, id: i64, status: Status) -> Result<u64> {
        sqlx::query!(
            r#"UPDATE tweet SET status = $2 WHERE id = $1"#,
            id,
            status as Status
        )
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    }

    pub async fn replies(connection: &mut PgConnection) -> Result<Vec<(i64, Option<String>)>> {
        let rows = sqlx::query_file!("sql/replies.sql")
            .fetch_all(connection)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.reply)).collect())
    }
}

#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub mod statements;

    use sqlx::{Result, SqliteConnection};

    pub struct Tweet {
        pub id: i64,
        pub text: String,
        pub is_sent: bool,
        pub owner_id: Option<i64>,
    }

    pub async fn record(connection: &mut SqliteConnection, id: i64) -> Result<(i64, String)> {
        let row = sqlx::query!(r#"SELECT id, text FROM tweet WHERE id = ?"#, id)
            .fetch_one(connection)
            .await?;
        Ok((row.id, row.text))
    }

    pub async fn tweets(connection: &mut SqliteConnection) -> Result<Vec<Tweet>> {
        sqlx::query_as!(
            Tweet,
            r#"SELECT id, text, is_sent, owner_id FROM tweet ORDER BY id"#
        )
        .fetch_all(connection)
        .await
    }

    pub async fn count(connection: &mut SqliteConnection) -> Result<i64> {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!: i64" FROM tweet"#)
            .fetch_one(connection)
            .await
    }

    pub async fn send(connection: &mut SqliteConnection, id: i64) -> Result<u64> {
        sqlx::query!(r#"UPDATE tweet SET is_sent = TRUE WHERE id = $1"#, id)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    }

    pub async fn replies(connection: &mut SqliteConnection) -> Result<Vec<(i64, Option<String>)>> {
        let rows = sqlx::query_file!("sql/replies.sql")
            .fetch_all(connection)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.reply)).collect())
    }
}
