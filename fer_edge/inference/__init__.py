"""ONNX sessions, model files and how they are fetched."""
