CREATE TABLE table_4 (id BIGINT PRIMARY KEY, note TEXT);
CREATE INDEX table_4_note ON table_4 (note);
