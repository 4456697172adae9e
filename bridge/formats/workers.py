"""Short names of workers and clients, as long as they tell them apart."""

from bridge.formats.details import text_of
from bridge.formats.escape import escape

_NAMES_KEPT = 4096  # clients of short processes come without end
_DEFAULT_CLUSTER = "celery"
_LONGEST_SHOWN = 128


class WorkerNames:
    """
    Remembers which short name stands for which node, so that two nodes never share one on the screen from then on.

    `celery@web1.example.com` is `web1`, since every worker is called celery where nobody named it; `mail@web1` is
    `mail`, until there is a `mail@web2`: then both are said in full. Where the cluster has a label it stands before.
    """

    def __init__(self) -> None:
        self._short: dict[tuple[object, str], str] = {}
        self._owner: dict[str, str | None] = {}
        """Short name -> the node it stands for; None: it could stand for several."""

    def short(self, hostname: object, cluster: str) -> str:
        """
        The name to show, escaped.

        Args:
            hostname: the event's, `node@host`; of any type. None: the cluster itself is meant.
            cluster: the label of the chain.

        Raises:
            Nothing.
        """
        node = hostname if isinstance(hostname, str) else "" if hostname is None else text_of(hostname)
        found = self._short.get((node, cluster))
        if found is None:
            if len(self._short) >= _NAMES_KEPT:
                self._short.clear()
                self._owner.clear()
            found = self._short[node, cluster] = self._label(self._tell(node[:_LONGEST_SHOWN]), cluster)
        return found

    def _tell(self, hostname: str) -> str:
        short = _short(hostname)
        owner = self._owner.setdefault(short, hostname)
        if owner == hostname:
            return escape(short)
        if owner is not None:
            self._owner[short] = None
            self._short.clear()  # the first of the two, too, is said in full from now on
        return escape(hostname)

    @staticmethod
    def _label(shown: str, cluster: str) -> str:
        if cluster == _DEFAULT_CLUSTER:
            return shown
        return f"{escape(cluster)}/{shown}" if shown else escape(cluster)


def _short(hostname: str) -> str:
    node, at, host = hostname.partition("@")
    if not at or not host:
        return hostname
    if node != "celery":
        return node
    label = host.partition(".")[0]
    return host if not label or label.isdigit() else label  # an address is no name to shorten
