"""Stand-ins for pycuda and tensorrt that compute for real and are stricter than the real ones."""
