"""What the machine is, and how it is right now: read from the kernel's files and the board's own programs.

A fact that cannot be found out is None, never guessed. Every reader takes the root of the file system.
"""
