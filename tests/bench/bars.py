"""What the figures have to be, and whether they are. Medians are held against the bars: one lucky run clears none."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from tests.bench.drain import Drained
from tests.bench.load import Kind

Runs = Mapping[str, Sequence[Drained]]
"""The runs of each contender by its key; none where it could not take part."""

CPU_US: Mapping[tuple[Kind, str], float] = {
    ("single", "quorum"): 14.0,
    ("mix", "quorum"): 12.0,
    ("single", "stream"): 13.0,
    ("single", "redis"): 17.0,
    ("mix", "redis"): 17.0,
}
"""CPU of the bridge per event, at most."""

EVENTS_A_SECOND: Mapping[str, float] = {"quorum": 50_000.0, "stream": 60_000.0}
"""On two cores that the servers share, at least, on either load."""

RIVALS: Mapping[str, float] = {"bento-enrich": 5.0, "bento-enrich-gogc": 5.0, "script": 10.0}
"""How many times our CPU from a quorum queue a rival takes, at least, on single events."""

BROKER_RATIO = 5.0
"""How many times the broker's CPU over the stream protocol a quorum queue takes, at least, on single events."""


def kept(runs: Sequence[Drained]) -> bool:
    """Whether there is a figure: it ran, and lost nothing."""
    return bool(runs) and not any(run.lost for run in runs)


def verdicts(kind: Kind, runs: Runs) -> Iterator[tuple[str, bool]]:
    """Each bar of this load that can be judged, in words, and whether it is cleared."""
    figures = {key: found for key, found in runs.items() if kept(found)}
    for (load, key), most in CPU_US.items():
        if load == kind and key in figures:
            value = median(run.cpu_us for run in figures[key])
            yield _said(f"{key}: at most {most:g} us of CPU per event: {value:.1f}", cleared=value <= most)
        elif load == kind and key in runs:
            yield _said(f"{key}: at most {most:g} us of CPU per event: no figure", cleared=False)
    for key, least in EVENTS_A_SECOND.items():
        if key in figures:
            value = median(run.per_second for run in figures[key])
            yield _said(f"{key}: at least {least:,.0f} events/s: {value:,.0f}", cleared=value >= least)
        elif key in runs:
            yield _said(f"{key}: at least {least:,.0f} events/s: no figure", cleared=False)
    if kind == "single" and "quorum" in figures:
        yield from _ratios(figures)


def _ratios(figures: Runs) -> Iterator[tuple[str, bool]]:
    ours = median(run.cpu_us for run in figures["quorum"])
    for key, least in RIVALS.items():
        if key in figures:
            ratio = median(run.cpu_us for run in figures[key]) / ours
            yield _said(f"quorum: at least {least:g} times less CPU than {key}: {ratio:.1f} times", ratio >= least)
    if "stream" in figures:
        quorum, stream = (median(run.broker_us for run in figures[key]) for key in ("quorum", "stream"))
        ratio = quorum / stream
        yield _said(
            f"stream: RabbitMQ's CPU at least {BROKER_RATIO:g} times less than by quorum: {ratio:.1f} times",
            ratio >= BROKER_RATIO,
        )


def _said(text: str, cleared: bool) -> tuple[str, bool]:
    return f"bar: {text}: {'cleared' if cleared else 'MISSED'}", cleared
