#!/bin/sh
# A notification on the desktop, for a daemon that runs in your session.
urgency=normal
case $TASKMASTER_EVENT in
fatal | unknown) urgency=critical ;;
esac
exec notify-send --app-name=taskmaster --urgency=$urgency \
	"$TASKMASTER_NAME: $TASKMASTER_EVENT" "$TASKMASTER_REASON"
