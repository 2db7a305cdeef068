# Sourced by the commands beside it, from any folder. Leaves us in the checkout, with $python ready to use.
# $TANHUI_VENV (default .venv in the checkout) is made on first use and brought up to date when the requirements change.

cd "$(dirname "$0")/.." || exit 1
export PYTHONPATH="$PWD" PYTHONUTF8=1
venv="${TANHUI_VENV:-$PWD/.venv}"
python="$venv/bin/python"

usable() { # COMMAND FROM BELOW: whether it runs, has venv and pip to give, and its version lies between the two
    "$1" -c "import sys, venv, ensurepip; sys.exit(not ($2 <= sys.version_info[:2] < $3))" >/dev/null 2>&1
}

find_python() {
    for range in '(3,11) (3,14)' '(3,14) (4,0)'; do # those that the tests are run on come first
        for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
            # shellcheck disable=SC2086
            usable "$candidate" $range && return 0
        done
    done
    echo "需要 Python 3.11 或更新版本（带 venv 模块）。Debian：apt-get install python3 python3-venv" >&2
    echo "Python 3.11 or newer is needed, with its venv module. Debian: apt-get install python3 python3-venv" >&2
    return 1
}

install() { # REQUIREMENTS…: install what they pin, unless that was done before; the stamp is written last
    for requirements; do
        stamp="$venv/$(basename "$requirements").installed"
        wanted="$(cksum <"$requirements") $("$python" -VV 2>&1)"
        if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || ! "$python" -c 'import pip' 2>/dev/null; then
            echo "正在准备运行环境 · Preparing the environment: $venv" >&2
            if ! "$python" -c 'import pip' 2>/dev/null; then
                find_python && "$candidate" -m venv --clear "$venv" || exit 1
                wanted="$(cksum <"$requirements") $("$python" -VV 2>&1)"
            fi
            rm -f "$stamp" || exit 1
            "$python" -m pip install -qq --disable-pip-version-check --no-input --root-user-action=ignore \
                --only-binary=:all: --require-hashes -r "$requirements" || exit 1
            echo "$wanted" >"$stamp"
        fi
    done
}
