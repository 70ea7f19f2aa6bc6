"""Recordings on the machines of a Ray cluster, and at addresses such as ``s3://``."""
