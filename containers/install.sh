#!/bin/sh
# In an image of Debian or Ubuntu, in the folder of the repository: .venv with everything, as on any machine.
# usage: containers/install.sh [ADDRESS OF PYTORCH'S INDEX]
set -eu

# these are the distribution's newest, signed by it, and the one thing here that is not fixed
apt-get update
# a Python of the image's own is used where there is one
command -v python3 > /dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-dev python3-venv
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends make
rm -rf /var/lib/apt/lists/*

export PIP_NO_CACHE_DIR=1
if [ -n "${1:-}" ]; then
  python3 -m venv .venv
  .venv/bin/pip install --no-deps --require-hashes --index-url "$1" -r locks/torch.lock
fi
make .venv/.ready

# who runs the image reads all of this and can change nothing, whatever the umask of the checkout was
chmod -R u=rwX,go=rX .
