"""The source over dead letters of a file."""

from collections.abc import Sequence

from bridge.encode import LineEncoder
from bridge.model import Delivery, Failure
from bridge.sources.letters import LettersSource, LineLetters
from tests.contract.harnesses.lines import FileHarness
from tests.unit.making import native


class LettersHarness(FileHarness):
    """A regular file of dead letters, whose bodies could not be decoded."""

    name = "letters"
    seeks = False

    def source(self, *, fail_fast: bool = False) -> LettersSource:  # type: ignore[override]
        return LettersSource(LineLetters(str(self._path)))

    async def publish(self, bodies: Sequence[bytes]) -> None:
        encoder = LineEncoder(native(), cluster="celery")
        letters = [encoder.dead_letter(Delivery(body), [Failure("decode", "not JSON")], 1.0).value for body in bodies]
        with self._path.open("ab") as file:
            file.writelines(letter + b"\n" for letter in letters)


SOURCES = [LettersHarness]
