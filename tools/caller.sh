# Sourced by run and test. as_caller SCRIPT ARGUMENTS…: called with sudo, only the installation needs it;
# what is built and made belongs to the caller, so the script goes on as that user.
as_caller() {
    local script=$1
    shift
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] &&
        [ "$(stat -c %U .)" = "$SUDO_USER" ]; then
        exec runuser -u "$SUDO_USER" -- "$PWD/$script" "$@"
    fi
}
