# Sourced by environment.sh and xtuner.sh: finds a Python for a new environment.
# Usage: find_python NEWEST, the newest minor version that will do (3.10 is the oldest); sets $python.

find_python() {
    python="${PYTHON:-}"
    [ -z "$python" ] || return 0
    for candidate in python3.11 python3.12 python3.10 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $1))" 2>/dev/null; then
            python="$candidate"
            return 0
        fi
    done
    echo "error: no Python 3.10 to 3.$1 found; name one with PYTHON=/path/to/python" >&2
    exit 1
}
