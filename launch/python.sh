# Sourced by environment.sh, xtuner.sh and serve.sh: environments, and the Python for a new one.
# Usage: find_python NEWEST [OLDEST], the minor versions that will do (3.10 is the oldest if none is named); sets $python.

find_python() {
    local newest="$1" oldest="${2:-10}" candidate
    python="${PYTHON:-}"
    [ -z "$python" ] || return 0
    for candidate in python3.11 python3.12 python3.10 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "import sys; sys.exit(not (3, $oldest) <= sys.version_info[:2] <= (3, $newest))" 2>/dev/null; then
            python="$candidate"
            return 0
        fi
    done
    echo "error: no Python 3.$oldest to 3.$newest found; name one with PYTHON=/path/to/python" >&2
    exit 1
}

# Usage: discard_broken FOLDER STAMP HOME; removes an environment of ours that does not work, so that it is made anew. STAMP is
# the file that says that idf was installed into it, HOME the folder that idf must then come from: if it comes from another, the
# stamp goes alone, so that it is installed again (two clones may share an environment).
discard_broken() {
    local folder="$1" stamp="$2" home="$3" why=""
    if [ ! -e "$folder" ] && [ ! -L "$folder" ]; then
        return 0
    elif ! "$folder/bin/python" -c "import sys; sys.exit(not sys.version_info >= (3, 10))" >/dev/null 2>&1; then
        why="its Python does not run, or is older than 3.10"
    elif ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
        why="it has no pip"
    elif [ -e "$stamp" ] && [ "$("$folder/bin/pip" --version 2>/dev/null)" != "$("$folder/bin/python" -m pip --version)" ]; then
        why="its commands do not run, or are those of another: was the folder copied or moved?"
    elif [ -e "$stamp" ] && ! "$folder/bin/python" -I -c "import idf, os, sys; sys.exit(not os.path.samefile(os.path.dirname(os.path.dirname(idf.__file__)), sys.argv[1]))" "$home" >/dev/null 2>&1; then
        echo "idf in the environment $folder is not that of $home: it is installed again"
        rm -f "$stamp"
    fi
    [ -n "$why" ] || return 0
    echo "the environment in $folder is broken ($why): it is removed and made anew"
    rm -rf "$folder"
}
