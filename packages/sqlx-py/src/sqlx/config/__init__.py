"""Configuration: database URLs, `.env`, `sqlx.toml`: text in, a frozen value out."""
