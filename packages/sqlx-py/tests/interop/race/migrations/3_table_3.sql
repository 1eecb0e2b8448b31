CREATE TABLE table_3 (id BIGINT PRIMARY KEY, note VARCHAR(80));
CREATE INDEX table_3_note ON table_3 (note);
