DROP TABLE table_8;
