"""Videos and images on disk."""
