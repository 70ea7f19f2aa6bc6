"""RTSP streams."""
