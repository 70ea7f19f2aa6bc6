"""Threads and time: here, and nowhere else."""
