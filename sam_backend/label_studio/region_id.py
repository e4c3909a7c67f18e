"""Ids of regions: as short as the editor's own, whose panel a longer one overflows, and never met twice."""

from __future__ import annotations

import secrets
import string

_SIGNS = string.ascii_letters + string.digits
_LENGTH = 10
"""As the editor's own. That is 60 bits: among a million regions of a task two are alike in one task of a million."""


def new_region_id() -> str:
    """Make an id that no region has: Label Studio replaces a region whose id comes again.

    Letters and digits only; what follows a dash tells the shapes of one object apart.
    """
    return "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
