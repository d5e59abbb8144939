"""What all commands share: how one is added, how one runs and ends, options that stand for recipe keys."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from idf.arguments import parse_arguments
from idf.errors import UserError

OF_THE_PLACE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
}
"""Faults of the folder or disk that a user named, and never of the program."""


class AddCommand(Protocol):
    """Adds a command to the parser of `idf`.

    Args:
        name: As it is typed.
        help: What it does.
        run: Does it; what it returns is the exit status, None is 0.

    Returns:
        The command's own parser, for its options.
    """

    def __call__(
        self, name: str, help: str, run: Callable[[argparse.Namespace], int | None]
    ) -> argparse.ArgumentParser: ...


def run_command(make_parser: Callable[[], argparse.ArgumentParser], program: str, argv: Sequence[str] | None) -> None:
    """Parse, run, and end with status 0 only on success; a UserError is printed as one sentence."""
    try:
        arguments = parse_arguments(make_parser(), sys.argv[1:] if argv is None else argv)
        status = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno not in OF_THE_PLACE:
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"{program}: error: {where}{error.strerror}", file=sys.stderr)
        sys.exit(1)
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(status or 0)


def overrides(arguments: argparse.Namespace, *names: str) -> list[str]:
    """The options that stand for recipe keys, as overrides."""
    given = [f"{name}={getattr(arguments, name)}" for name in names if getattr(arguments, name) is not None]
    return given + list(arguments.overrides)
