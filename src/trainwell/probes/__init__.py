"""Probes: what is measured on live training, each quantity in its own file; the tracer that watches torch at work."""
