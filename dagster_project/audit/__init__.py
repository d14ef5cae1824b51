"""How figures compare: with the publisher's (reconciliation, ledger) and from release to release (difference).

Why one figure is what it is belongs in `explanation/`.
"""
