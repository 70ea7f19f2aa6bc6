"""Runs the program for long and watches from outside what it uses."""
