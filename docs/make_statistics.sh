#!/usr/bin/env bash
# The data of the paper's run, from the committed recipes; leaves their dataset.json, statistics and plots in docs/statistics/.
# About 1 GB below data/statistics/, minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
data=data/statistics
workers="${WORKERS:-2}"
rm -rf $data docs/statistics
idf imagery --recipe recipes/imagery.yaml --out $data/imagery --workers "$workers"
idf traces --recipe recipes/traces.yaml --out $data/candidates --workers "$workers"
idf filter $data/candidates --out $data/traces --keep 5000 | tee $data/funnel.txt
for name in imagery traces; do
    idf stats $data/$name --out docs/statistics/$name > $data/$name.txt
    cp $data/$name/dataset.json $data/$name/README.md docs/statistics/$name/
    mv docs/statistics/$name/README.md docs/statistics/$name/card.md
done
