"""The one exception for mistakes that a user can mend."""


class UserError(Exception):
    """Bad input from outside: one clear sentence that names the file, row or key and says what would be right.

    The commands print it without a traceback and exit with status 1.
    """


class RankError(UserError):
    """A UserError that only one rank of several knows of, so that this rank has to tell it."""
