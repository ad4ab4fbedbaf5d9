#!/usr/bin/env bash
# A sweep with several runs at once, on one machine. Copy this file and change the loops.
#
#   JOBS=4 scripts/sweep_parallel.sh configs/start/digits_mlp.yaml train.epochs=10
#
# JOBS runs train at the same time, by default two; they share the cores evenly.
set -euo pipefail
scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source "$scripts/sweeping.sh"
jobs=${JOBS:-2}
cores=$(nproc 2>/dev/null || sysctl -n hw.ncpu)
threads=$((cores > jobs ? cores / jobs : 1))

# One run per line, its overrides separated by tabs.
lines() {
    for lr in 0.001 0.01; do
        for hidden in '[16]' '[64, 64]'; do
            printf '%s\t' "optimizer.lr=$lr" "model.hidden=$hidden"
            printf '\n'
        done
    done
}

# KEY=VALUE... LINE
train_line() {
    local own
    IFS=$'\t' read -r -a own <<<"${@: -1}"
    train_one "${@:1:$#-1}" "${own[@]}"
}

export -f train_one train_line why
lines | tr '\n' '\0' | xargs -0 -n 1 -P "$jobs" \
    bash -c 'train_line "$@"' bash "train.threads=$threads" "${shared[@]+"${shared[@]}"}" || exit 130
finish
