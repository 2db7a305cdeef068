"""Faults made on purpose, one for each of the ledger's fifteen invariants, to see that its check finds them."""
