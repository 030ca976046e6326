"""The main job: the order of operations, the decision rule, the logbook, the proof."""

from trainwell.improve.checklist import Improvement, improve, resume_arguments
from trainwell.improve.progress import Listener, Progress

__all__ = ["Improvement", "Listener", "Progress", "improve", "resume_arguments"]
