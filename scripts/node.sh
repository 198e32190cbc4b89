# Runs a file of this checkout with the pinned Node, dependencies for development installed:
#   sh scripts/node.sh FILE [ARGUMENTS]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"

. "$root/bin/node.sh"
install_dependencies dev
node=$(find_node)

# Tests and the tools they start find the same Node.
PATH=$(dirname "$node"):$root/node_modules/.bin:$PATH
export PATH
exec "$node" "$@"
