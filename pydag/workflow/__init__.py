"""What users write: jobs and tasks, and how a file of theirs is read."""
