#!/usr/bin/env bash
# The whole of idf on a tiny model, from a random walk to a scored checkpoint: some minutes on two CPU cores, after installing.
# With --rl a third stage follows, reinforcement, from where stage 2 was after 200 steps: about ten minutes more.
# Safe to run again: the environment is kept; everything else is made afresh, in folders named quickstart only.
set -euo pipefail
cd "$(dirname "$0")/.."
reinforce=false
case "${1:-}" in
'') ;;
--rl) reinforce=true ;;
*) echo "launch/quickstart.sh takes --rl or nothing, not $1" >&2 && exit 2 ;;
esac
source launch/environment.sh
use_environment "$($reinforce && echo rl || echo train)"

export TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1 PYTHONWARNINGS=ignore
data=data/quickstart
run=checkpoints/quickstart
results=runs/quickstart
recipes=recipes/quickstart
begun=$SECONDS

say() { printf '\n== %s\n' "$*"; }
say "1/6 data: random walks with every state in between, and traces that replay to the right answer"
rm -rf $data $run $results
idf imagery --recipe $recipes/imagery.yaml --out $data/imagery --workers 2
idf traces --recipe $recipes/traces.yaml --out $data/candidates --workers 2
idf filter $data/candidates --out $data/traces --keep 7000
idf suite --recipe $recipes/suite.yaml --out $data/suite

say "2/6 the tiny base model: Qwen2.5-VL's classes at 1.1 million parameters, random weights"
idf tiny $data/imagery $data/traces --out $run/base

say "3/6 stage 1, Imagery-Distillation, 2 ranks, DeepSpeed ZeRO-2"
torchrun --standalone --nproc_per_node 2 launch/stage1.py --recipe $recipes/stage1.yaml

say "4/6 stage 2, Reasoning-Distillation, from stage 1's final checkpoint"
early=(); ! $reinforce || early=(save_steps=200 keep_checkpoints=2) # so that a checkpoint is there that has half learned
torchrun --standalone --nproc_per_node 2 launch/stage2.py --recipe $recipes/stage2.yaml ${early[@]+"${early[@]}"}

say "5/6 evaluation on held-out problems: untrained, after stage 1, after stage 2"
OMP_NUM_THREADS=2
for name in base stage1 stage2; do
    checkpoint=$run/$name; [ $name = base ] || checkpoint=$run/$name/final
    idf-eval $checkpoint --suite $data/suite --modes tqa,vtqa --prompts idf-short-1 --max-new-tokens 160 --batch-size 50 \
        --out $results/$name
done
idf-eval --baseline random --suite $data/suite --modes tqa,vtqa --out $results/chance

if $reinforce; then
    say "stage 3, reinforcement, 2 ranks: what the worlds' verdicts teach where stage 2 was after 200 steps"
    torchrun --standalone --nproc_per_node 2 launch/stage3.py --recipe $recipes/stage3.yaml
    for name in stage2/checkpoint-200 stage3/final; do
        idf-eval $run/$name --suite $data/suite --modes tqa,vtqa --prompts idf-short-1 --max-new-tokens 160 \
            --batch-size 50 --out $results/rl/${name%%/*}
    done
    idf table chance=$results/chance stopped-early=$results/rl/stage2 reinforced=$results/rl/stage3
fi

say "6/6 what was learned"
idf table chance=$results/chance untrained=$results/base stage1=$results/stage1 stage2=$results/stage2
idf gallery $data/imagery --out $results/gallery.html --limit 12
seconds=$((SECONDS - begun))
echo $seconds > $results/seconds
echo "report of the final checkpoint: $results/stage2/report.html"
echo "took $((seconds / 60)) min $((seconds % 60)) s after installing"
