"""What the user asked for: one frozen Config, from file, environment and flags, checked before anything starts."""

from bridge.config.ends import SinkEnd, SourceEnd
from bridge.config.load import Loaded, load
from bridge.config.secret import Properties, Url
from bridge.config.table import OPTIONS, Config

__all__ = ["OPTIONS", "Config", "Loaded", "Properties", "SinkEnd", "SourceEnd", "Url", "load"]
