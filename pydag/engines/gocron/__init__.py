"""The gocron engine: attempts are runs of tasks on a gocron server."""
