"""The web page of a gateway, on which it is set up."""

import asyncio
from ipaddress import ip_address
from typing import Final

from yarl import URL

_PORT: Final = 80
_PATIENCE: Final = 5
"""Seconds until a host that doesn't answer has no page."""


async def async_web_page(host: str, port: int = _PORT) -> str | None:
    """Return the URL of the page that a host shows to a browser elsewhere; None where it shows none."""
    if _is_this_machine(host):
        return None
    url = URL.build(scheme="http", host=host, port=port)
    request = f"HEAD / HTTP/1.1\r\nHost: {url.authority}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request.encode())
                answer = await reader.readexactly(5)
            finally:
                writer.close()
    except OSError, TimeoutError, EOFError, UnicodeError:
        return None
    return str(url) if answer == b"HTTP/" else None


def _is_this_machine(host: str) -> bool:
    """Return whether a browser would look for the page on its own machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"
