# Sourced by quickstart.sh and test.sh: makes .venv in the repository's root and installs idf into it, once.
# Usage: source launch/environment.sh [extra]

source launch/python.sh

if [ ! -x .venv/bin/python ]; then
    find_python 13
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
