"""The ledger's tests also speak with the Label Studio that the tests of `label_studio` made."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "label_studio"))
