"""Measuring the machine, and saying exactly what was measured."""
