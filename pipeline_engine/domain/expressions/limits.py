"""How large an expression may be, and how much work it may cause.

An expression has no loops, so every node runs at most once and the number of nodes bounds the
walk. Fuel bounds the rest: the work that grows with the values which an expression meets.
"""

from __future__ import annotations

MAX_TEMPLATE_CHARACTERS = 4096
MAX_TEXT_CHARACTERS = 256 * 1024  # of every text that an expression reads or makes
MAX_NODES = 500  # per template; bounds the memory of the parse cache too
MAX_TREE_DEPTH = 100

# Jinja's parser needs about 14 Python frames for one bracket. 32 of them fit under the recursion
# limit wherever the call comes from, so the same text is not legal in one process and too deep
# in another.
MAX_BRACKET_DEPTH = 32

FUEL = 400_000  # for everything that one attempt of a step evaluates
UNITS_BETWEEN_LOOKS = 1000  # at the clock, where there is a deadline
ITEMS_PER_UNIT = 4
CHARACTERS_PER_UNIT = 64

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
