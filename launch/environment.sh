# Sourced by quickstart.sh and test.sh: makes .venv in the repository's root and installs idf into it, once.
# Usage: source launch/environment.sh [extra]

python="${PYTHON:-}"
if [ -z "$python" ]; then
    for candidate in python3.11 python3.12 python3.10 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            python="$candidate"
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "error: no Python 3.10 to 3.13 found; name one with PYTHON=/path/to/python" >&2
    exit 1
fi

if [ ! -x .venv/bin/python ]; then
    echo "making .venv with $("$python" --version)"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --upgrade pip
fi
wanted=".venv/idf-installed-${1:-plain}"
if [ ! -e "$wanted" ] || [ pyproject.toml -nt "$wanted" ]; then
    echo "installing idf${1:+ with its extra '$1'} into .venv (torch and DeepSpeed are large: some minutes, about 6 GB)"
    .venv/bin/python -m pip install --quiet --editable ".${1:+[$1]}"
    touch "$wanted"
fi
export PATH="$PWD/.venv/bin:$PATH"
