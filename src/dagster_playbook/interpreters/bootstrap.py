"""The first file that a project's interpreter runs: `PYTHON bootstrap.py REQUEST`; it needs nothing but Python.

REQUEST is JSON: `do` is `probe`, or the module of this package whose `main` is called, with `arguments`. One of them is
the number of the descriptor to answer on, so that nothing that the interpreter prints is ever taken for an answer. The
interpreter may be older than this package can
use, so this file keeps to what every Python 3 reads.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, Optional  # noqa: UP035 - as every Python 3 has them

#: the oldest Python that a project may have
OLDEST = (3, 10)
#: of the lines between a worker and whoever asks it; another number is another language
PROTOCOL = 2


class Shipped:
    """Finds the package that this file belongs to, and nothing else: no folder of ours is on the project's sys.path."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:  # noqa: UP045
        """The package, when it is asked for."""
        if name != "dagster_playbook":
            return None
        source = str(Path(self.package) / "__init__.py")
        return importlib.util.spec_from_file_location(name, source, submodule_search_locations=[self.package])


def main(request: Dict[str, Any]) -> None:  # noqa: UP006
    """Do what the request says."""
    if not getattr(sys.flags, "safe_path", False):
        # the folder of this file: its modules are nobody's top-level modules
        del sys.path[0]
    if request["do"] == "probe":
        _probe(*request["arguments"])
        return
    if sys.version_info < OLDEST:
        sys.exit("Python " + ".".join(map(str, sys.version_info[:2])) + " is too old")
    package = str(Path(__file__).resolve().parents[1])
    # it comes first, whatever release of it the project has installed
    sys.meta_path.insert(0, Shipped(package))
    importlib.import_module(request["do"]).main(*request["arguments"])


def _probe(answers: int) -> None:
    """Say what this interpreter is and which platforms it has, importing none of them."""

    def has(name: str) -> bool:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return False
        return spec is not None and spec.loader is not None

    told = {
        "version": list(sys.version_info[:3]),
        "prefix": sys.prefix,
        "path": [folder for folder in sys.path if folder],
        "platforms": [name for name in ("dagster", "sqlmesh") if has(name)],
    }
    os.write(answers, json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
