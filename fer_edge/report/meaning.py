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
in view.</dd>"""

VALENCE = """<dt>Valence</dt>
<dd>The network's figure for happy minus the strongest of those for angry, disgust, fear and sad, from \N{MINUS SIGN}1 to 1. A
mean near 0 may be a neutral room, or one half of which laughs.</dd>"""
