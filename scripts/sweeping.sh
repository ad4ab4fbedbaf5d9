# Sourced by the sweep scripts. `train_one` trains with some overrides, `finish` shows the best runs and scores the winner.
#
# Called with CONFIG [KEY=VALUE]...: overrides that all runs share. From the environment:
#   RUNS   where the runs go; default runs/sweep-<time>
#   SCORE  what decides; default val/accuracy
#   DLTK   the program; default scripts/dltk
# Every run's JSON line goes to $RUNS/results.jsonl. A run that fails is a line with "error" there; the others go on.
# No run scores the test split, or a sweep would choose by it; only the winner is scored, once, at the end.

config=${1:?"give a CONFIG, such as configs/start/digits_mlp.yaml"}
shared=("${@:2}")
RUNS=${RUNS:-runs/sweep-$(date +%Y%m%d-%H%M%S)}
SCORE=${SCORE:-val/accuracy}
DLTK=${DLTK:-$scripts/dltk}
export config RUNS DLTK
mkdir -p "$RUNS"

# KEY=VALUE...
train_one() {
    local line code=0
    line=$("$DLTK" train "$config" --runs-dir "$RUNS" --quiet --json train.test=false "$@") || code=$?
    case $code in
    0) ;;
    130 | 143) exit "$code" ;;
    *)
        printf 'failed with code %s: %s\n' "$code" "$*" >&2
        [[ $line == *'"error":'* ]] || line="{\"error\": \"it said nothing\", \"code\": $code}"
        ;;
    esac
    printf '%s\n' "$line" >>"$RUNS/results.jsonl"
}

finish() {
    local all failed winner
    all=$(wc -l <"$RUNS/results.jsonl")
    failed=$(grep -c '"error":' "$RUNS/results.jsonl" || true)
    if [ "$failed" -lt "$all" ]; then
        "$DLTK" list runs --runs-dir "$RUNS" --sort "$SCORE" --top 5
        winner=$("$DLTK" list runs --runs-dir "$RUNS" --sort "$SCORE" --top 1 --json)
        printf '\nThe winner, scored once on the test split:\n'
        "$DLTK" eval "$(sed 's/.*"run": "\([^"]*\)".*/\1/' <<<"$winner")"
    fi
    if [ "$failed" -gt 0 ]; then
        printf '%s of %s runs failed; see %s\n' "$failed" $((all)) "$RUNS/results.jsonl" >&2
        exit 83
    fi
}
