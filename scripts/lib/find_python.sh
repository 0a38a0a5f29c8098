# Sourced by the scripts: sets PYTHON to a Python 3.11 that runs, or ends with one line that says how to get one.
# 3.11 exactly: Blender's bpy wheels 4.2 to 5.0 are made for no other.

# Prints where the interpreter itself lies. It is run for that, since a version manager's shim may stand for nothing.
_real_python() {
    "$1" -I -S -c 'import os, sys; sys.version_info[:2] == (3, 11) or sys.exit(1); print(os.path.realpath(sys.executable))' 2>/dev/null
}

_find_python() {
    local candidate
    if [[ -n "${SEGADDON_PYTHON:-}" ]]; then
        PYTHON=$(_real_python "$SEGADDON_PYTHON") && return
        echo "SEGADDON_PYTHON=$SEGADDON_PYTHON is no Python 3.11 that runs. Point it at one or unset it." >&2
        exit 2
    fi
    # What .venv was made with comes first: a version manager's shim takes longer to start than all the rest.
    for candidate in "$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/python" python3.11 python3 python \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.11.*/bin/python3.11 \
        "${HOME:-}"/.local/share/uv/python/cpython-3.11.*/bin/python3.11 \
        /usr/bin/python3.11 /usr/local/bin/python3.11 /opt/homebrew/bin/python3.11; do
        PYTHON=$(_real_python "$candidate") && return
    done
    echo "Python 3.11 was not found (Blender's Python package needs exactly this version). Install it:" \
        "Debian and Ubuntu 'apt install python3.11 python3.11-venv', Fedora 'dnf install python3.11'," \
        "macOS 'brew install python@3.11', anywhere 'uv python install 3.11'; or set SEGADDON_PYTHON to its path." >&2
    exit 2
}

_find_python
