"""What the program is asked to do."""
