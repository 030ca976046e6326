"""Optimizers, schedules, clipping and penalties: what the parts of a recipe mean.

Nothing is imported here, so that `trainwell.optim.schedules` works without torch.
"""
