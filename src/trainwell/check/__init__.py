"""Run a foreign training program under observation and map what is found to its lines."""

from trainwell.check.run import CheckResult, ProgramFacts, check

__all__ = ["CheckResult", "ProgramFacts", "check"]
