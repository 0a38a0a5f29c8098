"""What the commands in this folder run, with a Python that has nothing installed (``python -I -S scripts …``).

scripts test [--blender VERSION | --models] [options of pytest]
scripts bench NAME [--blender VERSION] [options of scripts/bench_NAME.py]
scripts PROGRAM [--blender VERSION] [options of scripts/lib/PROGRAM.py]
scripts docs [FOLDER]        makes the site of docs/ in FOLDER (build/docs)
scripts prepare              makes .venv only
scripts missing-packages     prints the Debian packages whose libraries are missing here
scripts optional-packages    prints those without which tests that draw are skipped
"""

import sys

from lib.running import main  # pyright: ignore[reportMissingImports]  # Python finds it beside this file

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
