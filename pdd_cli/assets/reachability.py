"""Which hosts can be reached, found out once for the process and in little time.

Download clients try for half a minute before they give up on a dead network; a first packet
tells in three seconds.
"""

import os
import socket
from functools import cache
from urllib.parse import urlsplit

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
    """Tell whether the host of an address takes connections."""
    parts = urlsplit(address)
    return _accepts(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443))


@cache
def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_SECONDS):
            return True
    except OSError:
        return False
