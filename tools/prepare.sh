# What ./run and ./test share: installing packages, building the page and the program. Sourced, never run by itself.

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# install_packages NAME…: installs the Debian packages that are missing, as root or through sudo.
install_packages() {
  local missing=() name as_root=()
  for name in "$@"; do
    case $name in
      # Node.js may come from elsewhere than Debian; its commands are what counts.
      nodejs) command -v node >/dev/null && continue ;;
      npm) command -v npm >/dev/null && continue ;;
    esac
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "these Debian packages are missing and there is no apt-get here to install them: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}
Install them as root (apt-get install …), or install sudo, then call this again."
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >&2 || die "apt-get update failed: is there a network, and does /etc/apt/sources.list name a mirror that answers?"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install the packages above; its own words say why"
}

# newer_than FILE PATH…: whether anything under the paths is newer than FILE, or FILE is missing.
newer_than() {
  local file=$1
  shift
  [ -e "$file" ] || return 0
  [ -n "$(find "$@" -newer "$file" -print -quit)" ]
}

# node_modules FOLDER: what package-lock.json asks for, installed once per lock file.
node_modules() {
  local folder=$1
  newer_than "$folder/node_modules/.installed" "$folder/package-lock.json" || return 0
  say "installing the npm packages of $folder"
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
    die "npm ci failed in $folder: is the npm registry reachable (npm ping)?"
  touch "$folder/node_modules/.installed"
}

build_page() {
  newer_than web/dist/index.html web/src web/index.html web/package-lock.json web/vite.config.ts || return 0
  node_modules web
  say "building the page"
  (cd web && npm run --silent build >&2) || die "the page did not build; the messages above say where"
}

# configure PRESET CMAKE_OPTION…: quiet unless it fails.
configure() {
  local preset=$1 log
  shift
  log=$(mktemp)
  cmake --preset "$preset" "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "cmake could not configure the $preset build"; }
  rm -f "$log"
}

# build PRESET TARGET…
build() {
  local preset=$1
  shift
  cmake --build "build/$preset" --parallel "$(nproc)" ${1:+--target "$@"} >&2 || die "the $preset build failed; the messages above say where"
}
