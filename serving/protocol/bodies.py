"""A request's body as bytes: whole, unpacked, and no larger than it may be."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from .errors import RequestError

_UNPACK = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(request: Request, most: int) -> bytes:
    """The body, inflated if it is packed by gzip or deflate; no more than *most* bytes are read or made.

    Raises RequestError: 413 for a larger one, 415 for another packing, 400 for one that cannot be unpacked.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    packing = request.headers.get("content-encoding")
    return body if packing in (None, "", "identity") else _unpacked(body, str(packing).lower(), most)


def _unpacked(body: bytes, packing: str, most: int) -> bytes:
    if packing not in _UNPACK:
        raise RequestError(415, f"content encoding {packing!r:.40}; expected gzip, deflate, or none")
    unpack = zlib.decompressobj(_UNPACK[packing])
    try:
        whole = unpack.decompress(body, most + 1)
    except zlib.error as error:
        raise RequestError(400, f"the body is no {packing}: {error}") from None
    if len(whole) > most:
        raise _too_large(most)
    if not unpack.eof:
        raise RequestError(400, f"the body ends within its {packing}")
    return whole


def _too_large(most: int) -> RequestError:
    return RequestError(413, f"the body is larger than serving.limits.body, {most} bytes")
