"""A model repository for NVIDIA Triton, made of an expression network; needs the ``train`` extra."""
