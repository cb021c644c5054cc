package config

// Defaults makes p what a program is that says nothing: for the fields that an
// older daemon, whose configuration is taken over, did not have.
func (p *Program) Defaults() {
	*p = defaultProgram("")
	p.from = nil
}

// Defaults makes d the section daemon that says nothing, likewise.
func (d *Daemon) Defaults() { *d = defaultDaemon(&source{dir: "/"}) }
