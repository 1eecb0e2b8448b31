"""The command `sqlx`: parse, call a public function, print the value it returns."""
