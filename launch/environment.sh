# Sourced by quickstart.sh, test.sh and bench/study/run.sh. `use_environment [extra]` makes .venv in the repository's root, installs idf
# into it, once, and goes on in it. (A function: what is sourced without arguments would see those of the script.)

source launch/python.sh

use_environment() {
    local extra="${1:-}"
    if [ ! -x .venv/bin/python ]; then
        find_python 13
        echo "making .venv with $("$python" --version)"
        "$python" -m venv .venv
        .venv/bin/python -m pip install --quiet --upgrade pip
    fi
    local wanted=".venv/idf-installed-${extra:-plain}"
    if [ ! -e "$wanted" ] || [ pyproject.toml -nt "$wanted" ]; then
        echo "installing idf${extra:+ with its extra '$extra'} into .venv (torch and DeepSpeed are large: some minutes, about 6 GB)"
        .venv/bin/python -m pip install --quiet --editable ".${extra:+[$extra]}"
        touch "$wanted"
    fi
    export PATH="$PWD/.venv/bin:$PATH"
}
