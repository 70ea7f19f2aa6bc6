"""fer-edge as a service: how others learn how it is."""
