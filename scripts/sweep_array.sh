#!/usr/bin/env bash
# A sweep as a job array of a scheduler: each task trains one run. Copy this file and change the loops.
#
#   scripts/sweep_array.sh configs/start/digits_mlp.yaml              prints the tasks, numbered from 0
#   sbatch --array=0-3 scripts/sweep_array.sh configs/start/digits_mlp.yaml
#   TASK_ID=2 RUNS=runs/my_sweep scripts/sweep_array.sh configs/start/digits_mlp.yaml      one task, without a scheduler
#   TASK_ID=finish RUNS=runs/my_sweep scripts/sweep_array.sh configs/start/digits_mlp.yaml    when all are done
#
# All tasks need the same RUNS; by default it is named after the array's job.
set -euo pipefail
scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
[ -f "$scripts/sweeping.sh" ] || scripts=$SLURM_SUBMIT_DIR/scripts # SLURM runs a copy that lies elsewhere
task=${TASK_ID:-${SLURM_ARRAY_TASK_ID:-${PBS_ARRAY_INDEX:-}}}
RUNS=${RUNS:-runs/sweep-${SLURM_ARRAY_JOB_ID:-${PBS_JOBID:-array}}}
source "$scripts/sweeping.sh"

# Calls a command with each run's overrides.
each() {
    for lr in 0.001 0.01; do
        for hidden in '[16]' '[64, 64]'; do
            "$@" "optimizer.lr=$lr" "model.hidden=$hidden"
        done
    done
}

number=0

print_one() {
    printf '%s: %s\n' "$number" "$*"
    number=$((number + 1))
}

# Each task writes a file of its own, anew when it is trained again.
train_chosen() {
    if [ "$number" = "$task" ]; then
        results=$RUNS/results-$number.jsonl
        rm -f "$results"
        train_one "$@"
    fi
    number=$((number + 1))
}

collect_one() {
    cat "$RUNS/results-$number.jsonl" 2>/dev/null || printf '{"error": "task %s was not trained"}\n' "$number"
    number=$((number + 1))
}

case $task in
'') each print_one ;;
finish)
    each collect_one >"$results"
    earlier=0
    finish
    ;;
*)
    each train_chosen "${shared[@]+"${shared[@]}"}"
    if [ -z "$last_code" ]; then
        printf 'there is no task %s; they are 0 to %s, or finish\n' "$task" $((number - 1)) >&2
        exit 2
    fi
    exit "$last_code"
    ;;
esac
