"""What every page says of its figures, since pages are passed on: pieces of HTML."""

from __future__ import annotations

NOTICE = """<p class="notice">An expression is not a feeling. The figures tell what faces looked like to a network that was
trained on pictures, and it errs. They must not decide anything about a person.
<a href="#meaning">What the figures mean, and what they do not</a></p>"""

EXPRESSIONS = """<dt>Expressions</dt>
<dd>A network names what a face looks like: one of seven words. People smile out of politeness, and look angry when they
think. Nobody can read from these figures what somebody felt, and a person's face at rest may look sad or angry to the
network for years.</dd>"""

SHARE = """<dt>Shown for, share</dt>
<dd>The time of all people added up: two who smile for a minute are two minutes. Shares are of the time in which people were
in view: from when a face was first found to when it was last found, with the moments for which it was hidden.</dd>"""

SHARE_OF_FACES = """<dt>Share</dt>
<dd>Of all faces in all pictures, each counted once.</dd>"""

SHARE_OF_FRAMES = """<dt>Shown for, share</dt>
<dd>The time of all faces added up, frame by frame: each counts for as long as its frame lasts, two at once twice.</dd>"""

PEOPLE = """<dt>People</dt>
<dd>Faces in view, followed while they are. Nobody is recognised: who leaves and comes back counts anew. A mean of 0.5 people
is one person for half of the time.</dd>"""

PEOPLE_NOT_FOLLOWED = """<dt>People</dt>
<dd>Faces in one frame. Nobody was followed from one to the next. A mean of 0.5 people is one person for half of the
time.</dd>"""

PEOPLE_IN_PICTURES = """<dt>People</dt>
<dd>Faces in one picture. Nobody is recognised: who is in two pictures counts in both.</dd>"""

STEPS = """<dt>Steps</dt>
<dd>A step in which a person showed several expressions is filled as the one that was shown longest; the table of states has
them all. A frame counts until the next one that was analysed, for two seconds at least where there is none so soon; where
nothing was analysed the charts are empty, which is not the same as nobody in view.</dd>"""

STEPS_OF_PICTURES = """<dt>Steps</dt>
<dd>A step is a picture, or of very many several, whose faces are averaged. Where no picture was analysed the charts are empty,
which is not the same as nobody in it.</dd>"""

VALENCE = """<dt>Valence</dt>
<dd>The network's figure for happy minus the strongest of those for angry, disgust, fear and sad, from \N{MINUS SIGN}1 to 1. A
mean near 0 may be a neutral room, or one half of which laughs.</dd>"""
