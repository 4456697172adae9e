"""What the terminal behind a file descriptor is: its width, and whether it wants colours."""

import os
from collections.abc import Mapping

# For what is no terminal (a pipe into `less -RS`, a file): wide enough that little is cut, and still a bound, since an
# exception may be 60 KB long.
_WIDTH_OF_A_PIPE = 200


def terminal_width(fd: int, environ: Mapping[str, str]) -> int:
    """
    Columns of the terminal, now: ask again after a resize. One system call, 0.5 us.

    Args:
        fd: where the lines go.
        environ: COLUMNS is believed where `fd` is no terminal, or one that does not know (0 columns).

    Returns:
        At least 1.

    Raises:
        Nothing.
    """
    try:
        asked = os.get_terminal_size(fd).columns
    except OSError:
        asked = 0
    if asked > 0:
        return asked
    told = environ.get("COLUMNS", "")
    return int(told) if told.isascii() and told.isdigit() and 0 < len(told) < 6 and int(told) else _WIDTH_OF_A_PIPE


def wants_color(environ: Mapping[str, str], *, tty: bool) -> bool:
    """
    Whether to write colours: NO_COLOR forbids, else FORCE_COLOR asks (0 forbids), else a terminal that is not dumb.

    An empty variable counts as not set. Source: https://no-color.org and https://force-color.org.
    """
    if environ.get("NO_COLOR"):
        return False
    if force := environ.get("FORCE_COLOR"):
        return force != "0"
    return tty and environ.get("TERM") != "dumb"
