#!/bin/sh
# Migrates, then becomes the command that it is given. A signal meanwhile ends the migration in order.
lockstep up & migration=$!
trap 'kill -TERM "$migration"; wait "$migration"; exit 130' INT TERM
wait "$migration" || exit
trap - INT TERM
exec "$@"
