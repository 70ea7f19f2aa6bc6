"""Data sets, training, export and evaluation; needs the ``train`` extra."""
