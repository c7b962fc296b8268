# shellcheck shell=bash
# Sourced by `build` and `reproduce`: the one way in which the released programs are compiled.
#
# The bytes of a program depend on the sources, the lock file and the compiler, and on nothing of the machine: paths
# are replaced, times are those of the commit. `cargo auditable` writes the list of dependencies into each program.

# release_env TREE: sets what rustc, cc and cargo-deb read, for the sources in TREE.
release_env() {
  local tree=$1 home=${CARGO_HOME:-$HOME/.cargo} place
  RUSTFLAGS="" CFLAGS=""
  # Cargo's home may be a link; whoever follows it must not leave a trace.
  for place in "$tree=/tidewaiter" "$home=/cargo" "$(readlink -f "$home/registry")=/cargo/registry"; do
    RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$place"
    CFLAGS="$CFLAGS -ffile-prefix-map=$place"
  done
  export RUSTFLAGS CFLAGS
  export CARGO_INCREMENTAL=0
  # Times inside the package: those of the commit, or the one given.
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$tree" log -1 --format=%ct)}
  export SOURCE_DATE_EPOCH
}

# release_build TREE [ARGUMENT…]: the three programs, into $CARGO_TARGET_DIR or TREE/target.
release_build() {
  local tree=$1
  shift
  (cd "$tree" && cargo auditable build --release --locked --bins \
    -p tidewaiter-agent -p tidewaiter-collector -p tidewaiter-simulator "$@")
}

# tool NAME VERSION: a cargo subcommand, from crates.io into target/tools when it is not there. A debug build is
# there in a third of the time and fast enough.
tool() {
  local name=$1 version=$2
  export PATH="$ROOT/target/tools/bin:$PATH"
  command -v "$name" >/dev/null && return
  echo "installing $name $version into target/tools"
  cargo install --quiet --locked --debug --config 'profile.dev.debug=false' --root "$ROOT/target/tools" \
    --target-dir "$ROOT/target/tools/build" "$name@$version"
}

# The programs of the packages, by name.
# shellcheck disable=SC2034
PROGRAMS="tidewaiter tidewaiter-collector tidewaiter-sim"
