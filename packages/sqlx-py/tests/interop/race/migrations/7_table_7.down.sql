DROP TABLE table_7;
