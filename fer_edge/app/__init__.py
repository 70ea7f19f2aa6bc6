"""Where settings become parts: the live run and the public functions."""
