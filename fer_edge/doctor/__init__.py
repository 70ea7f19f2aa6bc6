"""``fer-edge doctor``: what this machine has, what each thing means for the program, and whether the main job can run."""
