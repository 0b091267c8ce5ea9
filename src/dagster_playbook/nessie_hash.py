"""What Nessie takes for a commit hash: the one place that says so, for its client, for the checks and for runbooks.

`Validation.HASH_RAW_REGEX` of Nessie 0.99 allows 8 to 64 hexadecimal digits of either case; `ObjId.objIdFromString`
refuses an odd number of them. A hash is never looked up by its beginning.
"""

from __future__ import annotations

import re

#: as a person is told it
FORM = "8 to 64 hexadecimal digits, an even number of them"
#: as a regular expression, for forms on pages
PATTERN = r"(?:[0-9a-fA-F]{2}){4,32}"
_HASH = re.compile(PATTERN)


def is_hash(text: str) -> bool:
    """Whether the text could be a commit hash of Nessie."""
    return _HASH.fullmatch(text) is not None
