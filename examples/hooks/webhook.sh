#!/bin/sh
# Posts an event as JSON: webhook.sh URL, as `run` of a hook. A refusal or an
# error of the server is a failed hook, and in the daemon's log.
exec curl --silent --show-error --fail --max-time 8 \
	--header 'Content-Type: application/json' --data-binary @- --output /dev/null "$1"
