"""What the events of a cluster say about its tasks and workers. `ClusterState` is the whole of it."""

from bridge.state.cluster import ClusterState
from bridge.state.rows import Row, task_of, task_row, worker_of, worker_row
from bridge.state.task import Task
from bridge.state.worker import Worker

__all__ = ["ClusterState", "Row", "Task", "Worker", "task_of", "task_row", "worker_of", "worker_row"]
