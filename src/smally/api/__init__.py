"""What the service answers: a controller for each noun."""
