"""What a failed batch means for the records in it."""

from enum import Enum, auto

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownError,
    UnsupportedForMessageFormatError,
)


class Refusal(Enum):
    """Whose fault it is."""

    TOO_LARGE = auto()
    """The batch, or a record in it, is larger than the topic takes."""
    RECORD = auto()
    """A record in it will never be taken."""
    PERHAPS_RECORD = auto()
    """A record in it, or the broker: only trying again tells."""
    DENIED = auto()
    """Ours: we lack a right, which may be granted."""
    BROKEN = auto()
    """Nobody's: the producer is of no use any more, a new one is."""


_FOR_EVER = (InvalidTimestampError, PolicyViolationError, UnsupportedForMessageFormatError)
_PERHAPS = (
    CorruptRecordException,  # bits may also flip on the way: Java's producer tries it again
    # aiokafka 0.14 gives this for every code it does not know, 87 INVALID_RECORD among them (a compacted topic refuses
    # a record without a key so), and for -1, which is any fault inside the broker.
    UnknownError,
)
_DENIED = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError, TransactionalIdAuthorizationFailed)


def judge(error: BaseException) -> Refusal:
    """
    What the error of a batch means. What aiokafka itself tries again (not leader, timeouts, lost connections, too few
    replicas) never comes here, but as a batch that waits.

    After a refusal the producer goes on, for `Producer.send` takes back the batch's sequence numbers, which the broker
    never saw. Where it has written the batch all the same, it answers OutOfOrderSequenceNumber to the next: BROKEN.
    """
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        return Refusal.TOO_LARGE
    if isinstance(error, _FOR_EVER):
        return Refusal.RECORD
    if isinstance(error, _PERHAPS):
        return Refusal.PERHAPS_RECORD
    if isinstance(error, _DENIED):
        return Refusal.DENIED
    return Refusal.BROKEN


def blame_of_topic(error: BaseException) -> str:
    """
    What to call the error where several records in a row that get it are the topic's fault; empty for those that are
    each record's own: its size and its time.
    """
    own = MessageSizeTooLargeError | RecordListTooLargeError | InvalidTimestampError
    return "" if isinstance(error, own) else type(error).__name__
