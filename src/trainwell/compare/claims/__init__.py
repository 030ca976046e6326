"""Checking what somebody wrote against a result: reading the text, the evidence, and the faults."""

from trainwell.compare.claims.check import ClaimCheck, Fault, check_claim

__all__ = ["ClaimCheck", "Fault", "check_claim"]
