"""The ledger: what was answered, compared with what was submitted."""
