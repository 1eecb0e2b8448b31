"""Finding queries in source: their text by its syntax, their types by importing."""
