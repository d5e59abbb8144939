#!/usr/bin/env bash
# Makes the folder to take to a machine with a GPU and no network: idf, the wheels that it lacks there, and data.
# Usage: bash bench/gpu/pack.sh [DIR]      (default: bench/gpu/bundle; it must not be there, or be an earlier one)
# MAX_MIB changes the most that it may weigh. It needs idf's environment, with pip.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
out="${1:-$root/bench/gpu/bundle}"
max="${MAX_MIB:-64}"
marker=bundle.json
if [ -e "$out" ] && [ ! -e "$out/$marker" ]; then
    echo "error: $out is there and is no bundle: name another folder" >&2
    exit 1
fi
cd "$root"
part="$out.part"
packed="$part/bench/gpu/packed"
rm -rf "$part"
mkdir -p "$packed/wheels"

echo "source: idf, launch, recipes, bench"
# What git knows, as it stands in the working tree; results, the study's figures and docs stay here.
git ls-files -z idf launch recipes bench pyproject.toml LICENSE ':!bench/results' | tar --null --files-from=- -cf - | tar -xf - -C "$part"

if cmp --silent bench/gpu/carried.txt "$out/bench/gpu/carried.txt"; then
    echo "wheels: those of the bundle before"
    cp "$out"/bench/gpu/packed/wheels/* "$packed/wheels"
else
    echo "wheels for Python 3.12 on x86-64 Linux, by bench/gpu/carried.txt"
    wheels() {
        python -m pip "$1" --quiet --no-deps --disable-pip-version-check "${@:2}" || {
            echo "error: pip could not fetch what bench/gpu/carried.txt names: this needs a package registry, once" >&2
            exit 1
        }
    }
    platforms=(manylinux1_x86_64 manylinux2014_x86_64 manylinux_2_17_x86_64 manylinux_2_27_x86_64 manylinux_2_28_x86_64)
    binary="$(grep -v -e '^#' -e '^deepspeed' bench/gpu/carried.txt)"
    # shellcheck disable=SC2086  # one word for each package
    wheels download --only-binary=:all: --python-version 3.12 --implementation cp "${platforms[@]/#/--platform=}" \
        --dest "$packed/wheels" $binary
    DS_BUILD_OPS=0 wheels wheel --no-binary deepspeed --wheel-dir "$packed/wheels" "$(grep '^deepspeed' bench/gpu/carried.txt)"
fi

echo "data"
export PYTHONPATH="$root:$root/bench" TOKENIZERS_PARALLELISM=false
python bench/gpu/make_data.py "$packed/data"
python bench/gpu/make_data.py "$packed/tiny" --tiny # for the rehearsal

kib="$(du -sk --apparent-size "$part" | cut -f1)"
if [ "$kib" -gt $((max * 1024)) ]; then
    echo "error: the bundle has $((kib / 1024)) MiB and $max are allowed: carry less in bench/gpu/carried.txt or make_data.py ($part)" >&2
    exit 1
fi
printf '{"commit": "%s", "changed_since": %s, "mib": %s}\n' "$(git rev-parse HEAD)" \
    "$([ -z "$(git status --porcelain -- idf launch recipes bench)" ] && echo false || echo true)" $((kib / 1024)) >"$part/$marker"
rm -rf "$out"
mv "$part" "$out"
echo "$out: $((kib / 1024)) MiB. Copy it, and there: cd $(basename "$out") && python bench/gpu/run.py --minutes 9 --out DIR"
