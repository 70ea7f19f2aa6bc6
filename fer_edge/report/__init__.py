"""What a history shows, as one page that needs nothing else: ``fer-edge report``."""
