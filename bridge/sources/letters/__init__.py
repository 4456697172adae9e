"""The source over dead letters, for sending them again; `open_letters` reads them only."""

from bridge.sources.letters.readers import LetterReader, LineLetters, TopicLetters
from bridge.sources.letters.source import LettersSource

__all__ = ["LetterReader", "LettersSource", "LineLetters", "TopicLetters"]
