"""What a request cannot have: an HTTP status with a sentence for whoever sent it."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is not answered: *status* is HTTP's, the text names what was found and what was expected."""

    def __init__(self, status: int, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after  # seconds


def bad(text: str) -> RequestError:
    """400: the sender has to change the request."""
    return RequestError(400, text)
