"""How large an expression may be, and how much work it may cause.

An expression has no loops, so every node runs at most once and the number of nodes bounds the
walk. Fuel bounds the rest: the work that grows with the values which an expression meets.
"""

from __future__ import annotations

MAX_TEMPLATE_CHARACTERS = 4096
MAX_TEXT_CHARACTERS = 1024 * 1024  # of every text that an expression reads or makes
MAX_PATH_CHARACTERS = 1024  # of a dotted path such as ``map("a.b.c")``
MAX_NODES = 500  # per template; bounds the memory of the parse cache too
MAX_TREE_DEPTH = 100

# Jinja's parser needs about 14 Python frames for one bracket. 32 of them fit under the recursion
# limit wherever the call comes from, so the same text is not legal in one process and too deep
# in another.
MAX_BRACKET_DEPTH = 32

# One unit is one or two microseconds of work at most and less than 512 bytes that are made;
# tests/unit/expressions/test_prices.py measures both for every operation.
FUEL = 500_000  # for everything that one attempt of a step evaluates
# What one attempt may make of it: bytes, about as many as its JSON text has. The joined outputs
# of a fan-out (PIPELINE_MAX_JOINED_BYTES, 16 MiB) can be passed on, but not multiplied.
ROOM = 32 * 1024 * 1024
BYTES_PER_VALUE = 8  # beside the characters of texts and keys
VALUES_WEIGHED_PER_UNIT = 8
SMALL_VALUE = 4096  # bytes; a smaller value is weighed again wherever it occurs
UNITS_BETWEEN_LOOKS = 1000  # at the clock, where there is a deadline
ITEMS_PER_UNIT = 4  # that are copied or counted; work on each of them costs a unit
CHARACTERS_PER_UNIT = 32
PRODUCTS_PER_UNIT = 1024  # of characters compared with characters
LONGEST_COMPARED = 100  # characters of a part that a search may compare at one place

MAX_PATTERN_CHARACTERS = 1000  # of a regular expression
MAX_PATTERN_BYTES = 512 * 1024  # of a compiled one, with what RE2 keeps of its walks
UNITS_PER_PATTERN_CHARACTER = 32  # to compile it: a class such as \pL is hundreds of ranges
PROGRAM_PER_UNIT = 4  # instructions that are made of them
STATES_PER_UNIT = 128  # instructions times bytes of the text, in the worst of walks
SECONDS_PER_UNIT = 1.5e-6  # where only a clock can tell what work was done

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
