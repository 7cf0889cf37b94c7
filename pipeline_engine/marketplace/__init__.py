"""Packages of actions from others: signed indexes, and what is installed from them.

To be read in this order: ``refusals`` (what can be wrong, by its code) and ``format``; ``fetching``
and ``memory``, which ``sources`` puts together (an index is read, and believed); ``choosing``,
``wheels`` and ``environment`` (may it be installed here), ``pip`` and ``installing``; then
``publishing``, the other side, and ``shelves``, what the API shows.
"""
