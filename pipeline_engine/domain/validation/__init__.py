"""What a value has to be: the limits of parameters, and of the params of actions.

Read ``types`` and ``formats`` first, then ``rules`` (what can be said), ``read`` (how a definition
says it), ``check`` (what a value breaks) and ``faults`` (what is wrong with the rules themselves).
"""
