"""What becomes of due times: the rows decide, and beat only rings.

Reading order: ``aim`` (when a schedule is due next), ``fire`` (one transaction: due, ledger,
execution, next), ``look`` (who calls it, and when), ``bells`` (what beat rings for).
"""
