# Where things lie: sourced by the Makefile's scripts, the tests and cmake/fetch-native.sh. It only names places and makes nothing.
# Everything that is downloaded or can be made again lives in one folder outside the checkout, PAWL_CACHE.
export HOME="${HOME:-/root}" # `env -i` has none
export PAWL_CACHE="${PAWL_CACHE:-$HOME/.cache/pawl}"
pawl_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The Python environments carry the hash of their lock file: a changed lock makes a new one, and two checkouts may differ.
pawl_environment() {
  local hash
  hash=$(sha256sum "$pawl_root/setup/$1.lock")
  echo "$PAWL_CACHE/$1-${hash:0:12}"
}
PAWL_PYTHON_HOME=$(pawl_environment python)
PAWL_DVC_HOME=$(pawl_environment python-dvc)
export PAWL_PYTHON_HOME PAWL_DVC_HOME
export PAWL_PYTHON="$PAWL_PYTHON_HOME/bin/python" # scikit-learn, the MLflow client, pytest; node and npm beside it
export PAWL_DVC="$PAWL_DVC_HOME/bin/dvc"          # the peer of the interoperability tests
export PATH="$PAWL_PYTHON_HOME/bin:$PATH"
export PYTHONDONTWRITEBYTECODE=1

# The machine's own certificate authorities (a company's proxy, say) also for pip and node, which bring lists of their own.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
  export PIP_CERT="${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}"
  export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

# With a precompiled header nothing hits without this sloppiness (measured: none, then a full rebuild in 1.9 s).
export CCACHE_DIR="${CCACHE_DIR:-$PAWL_CACHE/ccache}"
export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros}"
