CREATE TABLE table_3 (id BIGINT PRIMARY KEY, note TEXT);
CREATE INDEX table_3_note ON table_3 (note);
