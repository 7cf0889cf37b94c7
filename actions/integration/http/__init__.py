"""One exchange over HTTP, or one for each page; read in this order.

``statuses`` which statuses mean what; ``auth``, ``query``, ``bodies`` and ``request`` what is sent;
``answer`` what came back; ``pages`` which page is next; ``exchange`` all of it; ``checks`` what can
be seen before a step runs.
"""
