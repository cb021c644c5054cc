package daemon

import (
	"os"

	"taskmaster/journal"
	"taskmaster/sys"
)

// Where the log services of a machine listen, and the variables of the daemon's
// environment that name another place, as in a container or a test.
const (
	syslogSocket    = "/dev/log"
	journaldSocket  = "/run/systemd/journal/socket"
	syslogVariable  = "TASKMASTER_SYSLOG_SOCKET"
	journalVariable = "TASKMASTER_JOURNAL_SOCKET"
)

// serviceSink is a log service with the connection to it.
type serviceSink struct {
	*journal.Service
	socket *sys.Datagrams
}

// openService makes the sink for log: syslog or log: journal. The service need
// not be there: the log then is in memory only, and says so.
func (d *Daemon) openService(word string) *serviceSink {
	form, path, variable := journal.Syslog, syslogSocket, syslogVariable
	if word == "journal" {
		form, path, variable = journal.Native, journaldSocket, journalVariable
	}
	if other := os.Getenv(variable); other != "" {
		path = other
	}
	s := &serviceSink{socket: sys.NewDatagrams(path)}
	s.Service = &journal.Service{
		Form: form, PID: os.Getpid(), Send: s.socket.Send,
		Fault: func(err error) {
			d.log(journal.Error, "log fault", journal.Str("path", path), journal.Err(err))
		},
		Healed: func(lost int) {
			d.log(journal.Warn, "log healed", journal.Str("path", path), journal.Int("lines", lost))
		},
	}
	return s
}
