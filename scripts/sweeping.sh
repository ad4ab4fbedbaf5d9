# Sourced by the sweep scripts. `train_one` trains with some overrides, `finish` shows the best runs and scores the winner.
#
# Called with CONFIG [KEY=VALUE]...: overrides that all runs share. From the environment:
#   RUNS   where the runs go; default runs/sweep-<time>
#   SCORE  what decides; default val/accuracy
#   DLTK   the program; default scripts/dltk
# Every run's JSON line goes to $RUNS/results.jsonl. A run that fails is a line with "error" there, and says why; the
# others go on.
# No run scores the test split, or a sweep would choose by it; only the winner is scored, once, at the end.

config=${1:?"give a CONFIG, such as configs/start/digits_mlp.yaml"}
shared=("${@:2}")
RUNS=${RUNS:-runs/sweep-$(date +%Y%m%d-%H%M%S)}
SCORE=${SCORE:-val/accuracy}
DLTK=${DLTK:-$scripts/dltk}
results=$RUNS/results.jsonl
export config RUNS DLTK results
earlier=0 # lines of earlier sweeps in the same folder
[ ! -f "$results" ] || earlier=$(wc -l <"$results")
last_code= # of the last run; empty: none was trained

# KEY=VALUE...
train_one() {
    local line code=0
    mkdir -p "$RUNS"
    line=$("$DLTK" train "$config" --runs-dir "$RUNS" --quiet --json train.test=false "$@") || code=$?
    case $code in
    0) ;;
    130 | 143) exit "$code" ;;
    *)
        [[ $line == *'"error":'* ]] || line="{\"error\": \"dead\", \"code\": $code, \"message\": \"it said nothing\"}"
        printf 'failed with code %s: %s\n    %s\n' "$code" "$*" "$(why <<<"$line")" >&2
        ;;
    esac
    printf '%s\n' "$line" >>"$results"
    last_code=$code
}

# Reads an error's JSON line; says its first problem, else its message.
why() {
    grep -oE '("key": "[^"]*", )?"message": "([^"\\]|\\.)*"' | head -n 2 | tail -n 1 |
        sed -E 's/^("key": "([^"]*)", )?"message": "(.*)"$/\2: \3/; s/^: //; s/\\(["\\])/\1/g'
}

finish() {
    local all failed winner
    all=$(tail -n +$((earlier + 1)) "$results" | wc -l)
    failed=$(tail -n +$((earlier + 1)) "$results" | grep -c '"error":' || true)
    if [ "$failed" -lt "$all" ]; then
        "$DLTK" list runs --runs-dir "$RUNS" --sort "$SCORE" --top 5
        winner=$("$DLTK" list runs --runs-dir "$RUNS" --sort "$SCORE" --top 1 --json)
        printf '\nThe winner, scored once on the test split:\n'
        "$DLTK" eval "$(sed 's/.*"run": "\([^"]*\)".*/\1/' <<<"$winner")"
    fi
    if [ "$failed" -gt 0 ]; then
        printf '%s of %s runs failed; see %s\n' "$failed" $((all)) "$results" >&2
        exit 83
    fi
}
