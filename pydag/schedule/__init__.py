"""When jobs start: cron expressions, and what is kept of a job that was submitted."""
