"""Where somebody is sent who has signed in: to a page of the console, and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlencode

START = "/console/now"
SIGN_IN = "/console/sign-in"
SIGN_OUT = "/console/sign-out"
#: Browsers take a backslash for a slash, and leave out line ends and tabs.
PATH = re.compile(r"/console/[\x21-\x5b\x5d-\x7e]*", re.ASCII)
MOST_CHARACTERS = 2000


def goal_of(wanted: str | None) -> str:
    """*wanted* if it is a page of the console, as no browser reads it otherwise; else the first."""
    if not wanted or len(wanted) > MOST_CHARACTERS or not PATH.fullmatch(wanted):
        return START
    path = unquote(wanted.partition("?")[0].partition("#")[0])
    is_straight = "\\" not in path and not {".", "..", ""} & set(path.split("/")[2:])
    return wanted if is_straight and not path.startswith((SIGN_IN, SIGN_OUT)) else START


def sign_in_before(wanted: str) -> str:
    """The page on which somebody signs in who wanted to see another one."""
    goal = goal_of(wanted)
    return SIGN_IN if goal == START else f"{SIGN_IN}?{urlencode({'next': goal})}"
