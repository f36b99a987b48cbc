# shellcheck shell=bash
# shellcheck disable=SC2034  # variables here are for those who source this
# What the scripts share. Sourced by each of them after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Built tools outlive a checkout. Entries are keyed by tool, version and platform; deleting any of them is safe.
cache=${SIDECAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/model-policy-sidecar}
platform=$(uname -sm | tr 'A-Z ' 'a-z-')

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() { # die WHAT [REMEDY …]
  say "error: $1"
  shift
  if (($#)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

pythons=(3.13 3.12 3.11)
no_python=("no working Python of ${pythons[*]} (looked at ${PYTHON:-PATH})"
  "install one with its venv module (Debian: apt-get install python3 python3-venv)"
  "or name one: PYTHON=/path/to/python3.12 $0")

# Prints the path of the first Python on PATH that is one of VERSION … and can make environments.
# $PYTHON, where set, is the only candidate. A name on PATH proves nothing (pyenv has shims for what is not
# installed, Debian splits off venv), so each candidate is run.
find_python() { # find_python VERSION …
  local candidates=("${PYTHON:-}") name
  [[ -n "${PYTHON:-}" ]] || candidates=(python3 "${@/#/python}")
  for name in "${candidates[@]}"; do
    "$name" - "$@" 2>/dev/null <<'PY' && return
import ensurepip, sys, venv  # noqa: E401, F401
if "%d.%d" % sys.version_info[:2] not in sys.argv[1:]:
    raise SystemExit(1)
print(sys.executable)
PY
  done
  return 1
}

# Holds a lock on FILE until this script ends, however it ends: the lock belongs to descriptor 9.
only_one() { # only_one PYTHON FILE
  mkdir -p "$(dirname "$2")"
  exec 9>"$2"
  "$1" - "${0##*/}" 3<&9 <<'PY'
import fcntl, sys  # noqa: E401
try:
    fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(f"{sys.argv[1]}: waiting for another start of this script", file=sys.stderr, flush=True)
    fcntl.flock(3, fcntl.LOCK_EX)
PY
}

# Runs COMMAND with its output in LOG, and says how many lines match PATTERN after each EVERY of them.
# On failure the end of LOG is shown.
watched() { # watched LOG PATTERN EVERY WHAT COMMAND …
  local log=$1 pattern=$2 every=$3 what=$4
  shift 4
  mkdir -p "$(dirname "$log")"
  if ! "$@" 2>&1 | tee "$log" | awk -v every="$every" -v what="${0##*/}:   … %d $what\n" -v pattern="$pattern" \
    '$0 ~ pattern && ++n % every == 0 { printf what, n; fflush() }' >&2; then
    tail -n 15 "$log" >&2
    return 1
  fi
}

is_whole() { [[ -e "$1/complete" ]] && "$1/bin/python" -c '' 2>/dev/null; }

# Makes an environment of its own in DIR with the packages named, unless it is there and whole.
# The stamp is written last: what a stopped start leaves behind is made anew.
python_env() { # python_env PYTHON DIR REQUIREMENT …
  local python=$1 dir=$2
  shift 2
  if is_whole "$dir"; then return; fi
  only_one "$python" "$dir.lock" || return 1
  if is_whole "$dir"; then return; fi
  say "installing $* into $dir"
  "$python" -m venv --clear "$dir" || return 1
  watched "$dir/pip.log" '^Collecting' 20 packages \
    "$dir/bin/python" -m pip install --disable-pip-version-check "$@" || return 1
  touch "$dir/complete"
}
