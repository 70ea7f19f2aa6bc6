"""What is needed from the operating system in several places."""
