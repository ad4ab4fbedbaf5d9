#!/usr/bin/env bash
# A sweep as nested loops, one run after another. Copy this file and change the loops.
#
#   scripts/sweep_loop.sh configs/start/digits_mlp.yaml train.epochs=10
set -euo pipefail
scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source "$scripts/sweeping.sh"

for lr in 0.001 0.01; do
    for hidden in '[16]' '[64, 64]'; do
        train_one "${shared[@]+"${shared[@]}"}" "optimizer.lr=$lr" "model.hidden=$hidden"
    done
done
finish
