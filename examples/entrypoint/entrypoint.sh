#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
trap 'systemctl stop redis-server; service apache2 stop; exit 0' TERM INT
service apache2 start
systemctl start redis-server
touch /var/log/app.log
tail -f /var/log/app.log &
wait $!
