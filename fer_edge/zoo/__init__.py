"""Networks in PyTorch; importing this package needs the ``train`` extra."""
