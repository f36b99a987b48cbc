# shellcheck shell=bash
# shellcheck disable=SC2154  # `cache` and `platform` come from common.sh
# Programs out of Debian's packages, unpacked into the cache: no root is needed, nothing is installed. Sourced after
# common.sh.

# apt with lists of its own: the system's may be empty or old, and only root may renew them.
apt() { # apt WORD …
  local kept=$cache/peers/apt
  mkdir -p "$kept/lists/partial" "$kept/archives/partial"
  apt-get -o Dir::State::Lists="$kept/lists" -o Dir::Cache="$kept" -o Debug::NoLocking=1 "$@"
}

# Prints PACKAGE and what it needs and this system lacks.
missing_packages() { # missing_packages PACKAGE
  { echo "Inst $1" && apt install --simulate --no-install-recommends "$1" 2>/dev/null; } |
    awk '$1 == "Inst" && !seen[$2]++ { print $2 }'
}

# Unpacks PACKAGE and all it lacks into FOLDER. The stamp is written last.
unpack() { # unpack PACKAGE FOLDER
  local packages
  mkdir -p "$2"
  [[ -e $cache/peers/apt/renewed ]] || { apt update >&2 && touch "$cache/peers/apt/renewed"; } || return 1
  mapfile -t packages < <(missing_packages "$1")
  (cd "$2" && apt download "${packages[@]}") >&2 || return 1
  for package in "$2"/*.deb; do dpkg -x "$package" "$2/root"; done
  touch "$2/complete"
}

# Leaves a file of NAME in FOLDER that runs the unpacked program with the libraries that came with it.
write_wrapper() { # write_wrapper NAME FOLDER
  local program
  program=$(find "$2"/root/usr/{sbin,bin} "$2"/root/usr/lib/*/*/bin -name "$1" ! -type d 2>/dev/null | head -n 1)
  [[ -n "$program" ]] || return 1
  cat >"$2/$1" <<SH
#!/bin/sh
export LD_LIBRARY_PATH="$(find "$2/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd :)"
exec "$program" "\$@"
SH
  chmod +x "$2/$1"
}

# Prints the path of a program that runs: the one on PATH, else the one in the package of its name.
find_program() { # find_program NAME
  local found kept=$cache/peers/$1-$platform
  if found=$(command -v "$1"); then
    echo "$found"
    return
  fi
  if [[ ! -e "$kept/complete" ]]; then
    command -v apt-get dpkg >/dev/null || return 1
    say "no $1 on PATH: unpacking Debian's package into $kept"
    rm -rf "$kept"
    unpack "$1" "$kept" || return 1
  fi
  write_wrapper "$1" "$kept" || return 1
  echo "$kept/$1"
}
