"""The sink that keeps dead letters elsewhere, over two in memory."""

from bridge.errors import RecordError
from bridge.model import Record
from bridge.sinks.apart import Apart
from bridge.testing import MemorySink
from tests.contract.harness import DEAD, dead_letter
from tests.contract.harnesses.memory import MemorySinkHarness


class ApartHarness(MemorySinkHarness):
    """Refused records are diverted; both memories go down, hold and break together."""

    name = "apart"

    def sink(self, *, fail_fast: bool = False) -> Apart:  # type: ignore[override]
        def refuse(record: Record) -> str | None:
            return "too large" if record.value.startswith(self.refused(0).value[:8]) else None

        def divert(record: Record, error: RecordError) -> None:
            sink.divert(dead_letter(record, error))

        mains = [one for one in self._sinks if not any(found.value.startswith(DEAD) for found in one.records)]
        position = next((one.position for one in reversed(mains) if one.position is not None), None)
        last = self._sinks[-2] if self._sinks else MemorySink()  # of the last pair of main and letters
        main = MemorySink(
            dead_letter=divert,
            refuse=refuse,
            fail_fast=fail_fast,
            position=position,
            begun=last.begun,
            begun_at=last.begun_at,
        )
        letters = MemorySink(fail_fast=fail_fast)
        for one in (main, letters):
            if not self._is_up:
                one.down()
            if self._held:
                one.hold()
            self._sinks.append(one)
        sink = Apart(main, letters, "letters")
        return sink


SINKS = [ApartHarness]
