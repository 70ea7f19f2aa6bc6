"""What people look at: the overlay and the window."""
