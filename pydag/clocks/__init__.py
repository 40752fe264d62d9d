"""What starts jobs when their time comes: the user's crontab, and gocron's scheduler."""
