CREATE TABLE table_2 (id BIGINT PRIMARY KEY, note VARCHAR(80));
CREATE INDEX table_2_note ON table_2 (note);
