"""Which hosts can be reached, found out once for the process and in little time.

Download clients try for half a minute before they give up on a dead network; a first packet
tells in three seconds.
"""

import os
import socket
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_SECONDS = 2.5
_PORTS = {"https": 443, "http": 80}
_HUB = "https://huggingface.co"


def hub_address() -> str:
    """Return the Hub's address, or that of the mirror that ``HF_ENDPOINT`` names."""
    return os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")


def hub_is_offline() -> bool:
    """Tell whether the user switched the Hub off."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def reaches(address: str) -> bool:
    """Tell whether the host of an address, or the proxy before it, takes connections."""
    parts = urlsplit(address)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return _accepts(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443))


@cache
def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_SECONDS):
            return True
    except OSError:
        return False
