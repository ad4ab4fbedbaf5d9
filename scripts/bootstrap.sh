# Sourced by the other scripts: makes .venv in the repository root and installs dltk into it when that is needed.
#
# `bootstrap` installs dltk, `bootstrap all,dev` also every extra and the development tools. Sets $repository and $venv.
# A stamp in .venv says for which pyproject.toml, at which place, an installation was completed.

repository=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
venv=$repository/.venv

bootstrap() {
    local extras=${1:-} stamp
    stamp="$(cksum <"$repository/pyproject.toml") $repository"
    is_installed && return
    case $(uname -s) in MINGW* | MSYS* | CYGWIN*) give_up "on Windows these scripts need WSL; or: pip install -e ." ;; esac
    local python
    python=$(find_python) || give_up "dltk needs Python 3.11 or newer, and there is none on the PATH"
    lock
    is_installed || install
    exec 9<&-
}

# A complete installation with more extras serves those who need fewer.
is_installed() {
    local file
    [ -x "$venv/bin/python" ] || return 1
    for file in "$venv/dltk-installed${extras:+-$extras}" "$venv/dltk-installed-all,dev"; do
        [ -f "$file" ] && [ "$(<"$file")" = "$stamp" ] && return 0
    done
    return 1
}

install() {
    if ! is_usable; then
        say "creating .venv with $("$python" --version)"
        "$python" -m venv --clear "$venv" >&2 ||
            give_up "cannot create .venv; on Debian and Ubuntu the package python3-venv is needed"
    fi
    say "installing dltk${extras:+ with the extras $extras} into .venv; the first time takes a few minutes"
    rm -f "$venv"/dltk-installed*
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
        --editable "$repository${extras:+[$extras]}" >&2 || give_up "pip could not install dltk; see above"
    printf '%s\n' "$stamp" >"$venv/dltk-installed${extras:+-$extras}"
    say "done"
}

# Not so where creating it was interrupted, its Python is gone, or the folder was moved.
is_usable() {
    local file
    for file in "$venv"/dltk-installed*; do
        [ -f "$file" ] && [[ $(<"$file") != *" $repository" ]] && return 1
    done
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

find_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Python locks the open file that it shares with this shell: the lock ends when this shell does, even if it is killed.
lock() {
    exec 9<"$repository/pyproject.toml"
    "$python" - <<'END'
import fcntl
import sys

try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("dltk setup: another process installs; waiting for it", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
END
}

say() {
    printf 'dltk setup: %s\n' "$*" >&2
}

give_up() {
    say "$*"
    exit 69
}
