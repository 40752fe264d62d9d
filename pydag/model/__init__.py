"""What all rooms share: frozen records of jobs and runs, the states, and the graph. No I/O."""
