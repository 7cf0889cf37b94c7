"""A browser in which tests, pictures and measurements open the console.

Reading order: ``finding`` (which one), ``fetching`` (where there is none: ``make browser``),
``running`` (start it, and open a page that nobody else has seen), ``complaints`` (what a page says
that none should).
"""
