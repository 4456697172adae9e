"""Which state of a task follows which: Celery's precedence, and where it is plainly wrong ours."""

from typing import Final

PENDING: Final = "PENDING"
RECEIVED: Final = "RECEIVED"
STARTED: Final = "STARTED"
RETRY: Final = "RETRY"
REJECTED: Final = "REJECTED"
REVOKED: Final = "REVOKED"
FAILURE: Final = "FAILURE"
SUCCESS: Final = "SUCCESS"
CANCELLED: Final = "CANCELLED"

RANK: Final = {SUCCESS: 0, FAILURE: 1, REVOKED: 3, STARTED: 4, RECEIVED: 5, REJECTED: 6, RETRY: 7, PENDING: 8}
CUSTOM_RANK: Final = 2
"""Celery ranks every state that it does not know below FAILURE and above REVOKED (celery.states.precedence)."""

END_STATES: Final = frozenset({SUCCESS, FAILURE, REVOKED, REJECTED})
OVER: Final = END_STATES | {CANCELLED}
"""A task in one of these runs no more, unless it is received and started again."""

STATE_OF: Final = {
    "sent": PENDING,
    "received": RECEIVED,
    "started": STARTED,
    "retried": RETRY,
    "rejected": REJECTED,
    "revoked": REVOKED,
    "failed": FAILURE,
    "succeeded": SUCCESS,
    "cancelled": CANCELLED,
}
"""celery.events.state.TASK_EVENT_TO_STATE; every other subject is a custom state, its name in capitals."""

FORWARD: Final = frozenset(
    {(PENDING, RECEIVED), (PENDING, STARTED), (RECEIVED, STARTED), (PENDING, PENDING)}
    | {(before, after) for before in (PENDING, RECEIVED, STARTED) for after in (SUCCESS, FAILURE, REVOKED)}
)
"""What happens to nearly every task, answered without a question."""


def may_become(current: str, state: str, current_at: float, at: float) -> bool:
    """
    Whether an event that says `state` at the sender's time `at` sets the state of a task.

    Args:
        current: the state the task is in, since `current_at` by the sender of the event that set it.
    """
    if (current, state) in FORWARD or RETRY in (state, current):
        return True
    if current in END_STATES and state not in RANK:
        return False  # case 2: a custom state never overrides an end state
    if state == REVOKED and current not in RANK:
        return True  # case 2: nor outlives one
    if state == REJECTED and (current in (STARTED, RECEIVED) or current not in RANK):
        return at >= current_at  # cases 1 and 2, unless it was received again since
    if current == REJECTED and state in (STARTED, RECEIVED):
        return at > current_at  # case 1: what happened before the rejection does not undo it
    return RANK.get(state, CUSTOM_RANK) <= RANK.get(current, CUSTOM_RANK)
