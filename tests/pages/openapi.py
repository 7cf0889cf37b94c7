"""Write the OpenAPI document into a file: the console's types are made from it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .requests import document

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document()), encoding="utf-8")
