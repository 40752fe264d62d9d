"""A client library for gocron servers. It knows nothing of jobs and runs."""
