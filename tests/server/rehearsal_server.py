"""The real server with the generator for tests switched on: ``python -m tests.server.rehearsal_server serve …``."""

import sys

from bridge_server.__main__ import main

if __name__ == "__main__":
    sys.exit(main([*sys.argv[1:], "--enable-test-generator", "--cancel-grace", "0.4"]))
