#!/bin/sh
# Brings both of Temporal's schemas to the version of this image. Safe to run again: that is how
# an upgrade of the server gets its changes. Who and where comes from SQL_* in the environment.
set -eu

bring() { # bring <database> <schema>
    echo "schema of $1"
    temporal-sql-tool --db "$1" setup-schema -v 0.0
    temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring temporal temporal
bring temporal_visibility visibility
