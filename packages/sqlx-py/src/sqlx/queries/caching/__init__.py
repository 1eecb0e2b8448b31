"""The cache `.sqlx/`: SQLx's files, ours beside them, and whether they still fit."""
