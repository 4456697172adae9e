"""What a chain knows before it starts: from a file of the last run, or from what the stream still holds."""

from bridge.warm.absence import Absence
from bridge.warm.file import StateFile
from bridge.warm.memory import Memory
from bridge.warm.replay import Replay

__all__ = ["Absence", "Memory", "Replay", "StateFile"]
