"""What the compiler is told of a class. Plain Python does not need to know, nor does the compiler have to be there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # mypyc looks for this very name
    from mypy_extensions import mypyc_attr
else:
    Class = TypeVar("Class", bound=type)

    def mypyc_attr(*, acyclic: bool) -> Callable[[Class], Class]:  # noqa: ARG001 - the compiler reads it
        """
        A class decorator that changes nothing.

        Args:
            acyclic: no object of this class is ever part of a cycle of references, or what it is part of is taken apart
                by its owner: so the collector need not know of it, which saves 16 bytes and its looks.
        """

        def unchanged(found: Class) -> Class:
            return found

        return unchanged


__all__ = ["mypyc_attr"]
