"""The history: states and minutes of weeks in one SQLite file, written while the run lasts and read by whoever wants to."""
