"""What takes seconds on its first use, got over with before a transaction is open."""


def load_statistics() -> None:
    """Import what tests of rates need.

    On a busy machine that takes seconds, and a transaction that says nothing for five loses its connection.
    """
    import scipy.special  # noqa: F401 - imported where it is used, too; here, so that it is there by then
