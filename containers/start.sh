#!/bin/sh
# What a container runs, with a home for the caches of Snakemake, Numba and Matplotlib: where the user has none that can be
# written, a new one by a name that nobody can foresee, which no other user can enter.
# usage: containers/start.sh PROGRAM [ARGUMENTS]
set -eu

cache="${HOME:-/}/.cache"
if ! mkdir -p "$cache" 2> /dev/null || ! [ -w "$cache" ]; then
  HOME=$(mktemp -d "${TMPDIR:-/tmp}/understudy-XXXXXXXXXX")
  export HOME
fi
exec "$@"
