#!/bin/sh
# Starts a command in a container: with Dagster's settings of production unless an operator's are there, and with its
# secrets, as other images do it: of each variable NAME_FILE, the file's content is the variable NAME. Prints nothing.
set -eu
here=$(dirname "$0")
if [ -n "${DAGSTER_HOME:-}" ] && [ ! -e "$DAGSTER_HOME/dagster.yaml" ]; then
    mkdir -p "$DAGSTER_HOME"
    cp "$here/dagster.yaml" "$DAGSTER_HOME/.dagster.yaml.$$"
    mv "$DAGSTER_HOME/.dagster.yaml.$$" "$DAGSTER_HOME/dagster.yaml"
fi
for variable in PGPASSWORD LEAGUE_ALERT_WEBHOOK LEAGUE_WEBHOOK_URL LEAGUE_SMTP_PASSWORD; do
    eval "file=\${${variable}_FILE:-}"
    if [ -n "$file" ]; then
        content=$(cat "$file")
        export "$variable=$content"
    fi
done
exec "$@"
