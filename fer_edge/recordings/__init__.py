"""Analyses many recordings, and makes pages of what was found."""
