"""The rules of the workflow, without a row or a peer: what a step is, and what follows what.

From below: ``model_status``, ``steps``, ``machine`` (the table) and ``requests``; then what a
request does (``submitting``), what an end does (``endings``), and what pipelines are given
(``inputs``).
"""
