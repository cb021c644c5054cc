#!/bin/sh
# Mail about an event: mail.sh ADDRESS…, as `run` of a hook. It needs a sendmail
# (postfix, exim, msmtp, nullmailer … each have one).
set -eu
# shellcheck disable=SC3028 # where the shell does not set it, uname tells
from=${MAIL_FROM:-taskmaster@${HOSTNAME:-$(uname -n)}}
{
	echo "From: $from"
	echo "To: $*"
	echo "Subject: $TASKMASTER_NAME: $TASKMASTER_EVENT on $(uname -n)"
	echo "Content-Type: text/plain; charset=utf-8"
	echo
	echo "$TASKMASTER_NAME: ${TASKMASTER_STATE:-$TASKMASTER_EVENT}${TASKMASTER_REASON:+ ($TASKMASTER_REASON)}"
	[ "$TASKMASTER_COUNT" = 1 ] || echo "It is the last of $TASKMASTER_COUNT such events."
	echo
	cat # the event as JSON
} | "${SENDMAIL:-/usr/sbin/sendmail}" -i -f "$from" -- "$@"
