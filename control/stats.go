package control

// DaemonStats is the first line of stats: what the daemon says of itself.
type DaemonStats struct {
	Version   string    `json:"version"`
	PID       int       `json:"pid"`
	Started   string    `json:"started"` // RFC 3339
	Closing   bool      `json:"closing"` // a shutdown has begun
	Log       string    `json:"log"`     // a path, "stderr" or "none"
	Config    string    `json:"config"`  // the file's absolute path
	Instances int       `json:"instances"`
	Clients   int       `json:"clients"`
	Turns     int64     `json:"turns"`      // of the loop
	Late      []int64   `json:"late"`       // timers that rang late, by late_bound; the last is what is above all
	LateSum   float64   `json:"late_sum"`   // seconds
	LateBound []float64 `json:"late_bound"` // seconds
}

// Stats is one line of stats for each instance.
type Stats struct {
	Name     string           `json:"name"`
	Program  string           `json:"program"`
	Instance int              `json:"instance"`
	Launched string           `json:"launched,omitempty"` // RFC 3339, the last launch
	Exits    map[string]int64 `json:"exits,omitempty"`    // how often it ended by exit code ("0") or signal ("SIGKILL")
	Usage    *UsageStats      `json:"usage,omitempty"`    // with --usage, while something of it runs
	Stdout   StreamStats      `json:"stdout"`
	Stderr   StreamStats      `json:"stderr"`
}

// UsageStats is what all that belongs to an instance takes.
type UsageStats struct {
	Memory    int64   `json:"memory"` // bytes
	CPU       float64 `json:"cpu"`    // seconds
	Processes int     `json:"processes"`
}

// StreamStats is one output of an instance.
type StreamStats struct {
	Kind    string `json:"kind"` // memory, file, none, inherit or stdout
	Path    string `json:"path,omitempty"`
	Bytes   int64  `json:"bytes"`   // written by the program since the instance was added
	Dropped int64  `json:"dropped"` // of these, what could not be kept
}

// Settings is one line of settings for each program. Environment values are not
// among it, and templates are as the file has them.
type Settings struct {
	Name         string         `json:"name"`
	NumProcs     int            `json:"numprocs"`
	Cmd          []string       `json:"cmd"`
	WorkingDir   string         `json:"workingdir"`
	User         string         `json:"user"`
	Autostart    bool           `json:"autostart"`
	Autorestart  string         `json:"autorestart"`
	ExitCodes    string         `json:"exitcodes"` // "0,2"
	StartRetries int            `json:"startretries"`
	StartTime    float64        `json:"starttime"` // seconds
	StopSignal   int            `json:"stopsignal"`
	StopTime     float64        `json:"stoptime"` // seconds
	KillMode     string         `json:"killmode"`
	Stdout       OutputSettings `json:"stdout"`
	Stderr       OutputSettings `json:"stderr"`
}

// OutputSettings is where one output is configured to go.
type OutputSettings struct {
	Kind     string `json:"kind"`
	Path     string `json:"path,omitempty"`
	MaxBytes int64  `json:"maxbytes"`
	Backups  int    `json:"backups"`
}

// Part is the line that read gives before the bytes.
type Part struct {
	Offset int64 `json:"offset"` // of the first byte
	Size   int64 `json:"size"`   // of the whole
}
