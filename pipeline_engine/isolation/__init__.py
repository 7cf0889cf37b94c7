"""Actions of packages that nobody vouched for, run in processes of their own.

Read ``terms.py`` first (whom an installation trusts, and the limits of the others), then
``describe.py`` (what a package says about itself) and ``executor.py`` (an action that looks like
any other, and whose methods run elsewhere). ``pool.py`` keeps the processes, ``process.py`` calls
and kills one, ``sandbox.py`` decides what is around it, ``output.py`` hears what it prints, and
``clerk.py`` does what it asks for. ``inside`` is the program on the other side, ``between`` what
both sides speak.

Nothing is imported here: a child begins with this package, and each import makes it begin later.
"""
