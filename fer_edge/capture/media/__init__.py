"""Videos, pipes and streams, read by PyAV in a process of their own."""
