"""Lets the tests of this folder import `fictional_files` beside them, whatever the working directory."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
