# %% [markdown]
# # What a run of the demo looks like
# Open this file in an editor that knows `# %%` cells (VS Code, PyCharm, Spyder, jupytext), or run it as it is.

# %% A hundred frames with two faces
from itertools import islice

import numpy as np

import fer_edge

session = fer_edge.watch("demo:2")
observations = list(islice(session, 100))
print(f"{len(observations)} frames, {sum(len(seen.faces) for seen in observations)} faces")

# %% The expressions, averaged over every face: an array of faces x 7
probabilities = np.stack([seen.expression.probabilities for each in observations for seen in each.faces])
for label, mean, spread in zip(fer_edge.LABELS, probabilities.mean(axis=0), probabilities.std(axis=0)):
    print(f"{label:9} {mean:.3f} ± {spread:.3f}")

# %% Where the time goes: milliseconds of each stage, for one frame
for stage in observations[-1].times:
    service = [1000 * each.times[stage].service for each in observations if stage in each.times]
    print(f"{stage:9} median {np.median(service):5.2f} ms, longest {max(service):5.2f} ms")

# %% How steady the camera was: the gaps between frames, and how many were left out
gaps = np.diff([each.frame.captured_at for each in observations])
numbers = np.diff([each.frame.index for each in observations])
print(f"median gap {1000 * np.median(gaps):.1f} ms, {int((numbers - 1).sum())} frames left out")
