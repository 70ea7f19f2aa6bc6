"""Classification on TensorRT."""
