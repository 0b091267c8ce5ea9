"""Names and addresses of people never leave the source: they are hashed on the way in."""

from __future__ import annotations

import hashlib

# One fixed salt: the same author has to get the same hash in every load, or no contributor could be counted.
SALT = b"oso-warehouse-v1"


def hashed(text: str) -> str:
    """32 hex digits of a salted BLAKE2b of `text`, letter case and outer blanks aside; "" stays ""."""
    normal = text.strip().lower()
    return hashlib.blake2b(normal.encode(), digest_size=16, salt=SALT).hexdigest() if normal else ""
