"""Where faces are found."""
