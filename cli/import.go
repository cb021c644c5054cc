package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"taskmaster/config"
	"taskmaster/importer"
)

// importFile makes a configuration of ours out of supervisord's: 0 when check
// accepts it, 1 when it does not or a file cannot be read or written.
func importFile(args []string) int {
	f := flags("import", "import [-o FILE] [--force] SUPERVISORD.CONF",
		"writes the equivalent of a supervisord.conf, and of what it includes.\nWhat has no equivalent is a comment there, and a line FILE:LINE: option: why on standard error.\n")
	out := f.String("o", "", "`FILE` to write to; standard output otherwise")
	force := f.Bool("force", false, "replace FILE if it is there already")
	var files []string
	for rest := args; ; rest = f.Args()[1:] { // flags may stand behind the file too
		if code, ok := parse(f, rest); !ok {
			return code
		}
		if f.NArg() == 0 {
			break
		}
		files = append(files, f.Arg(0))
	}
	if len(files) != 1 {
		return misused("import", "one file of supervisord's is needed")
	}
	result, err := convert(files[0])
	if err != nil {
		return failed(err)
	}
	if err := deliver(*out, result.YAML, *force); err != nil {
		return failed(err)
	}
	return verdict(result, *out)
}

// verdict says what was remarked, and whether the result can be used.
func verdict(result importer.Result, name string) int {
	for _, r := range append(result.Remarks, result.Faults...) {
		fmt.Fprintln(os.Stderr, r)
	}
	if len(result.Faults) > 0 {
		return failure
	}
	if name == "" {
		name = "stdout"
	}
	if _, err := config.Parse(name, result.YAML); err != nil {
		return faulty(err)
	}
	return fine
}

// maxImport is the size past which a file of supervisord's is refused, in bytes.
const maxImport = 16 << 20

// convert reads the file and converts it.
func convert(path string) (importer.Result, error) {
	data, err := readWhole(path)
	if err != nil {
		return importer.Result{}, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return importer.Result{}, err
	}
	host, _ := os.Hostname()
	return importer.Convert(path, data, importer.World{
		Dir: filepath.Dir(abs), Host: host, Env: os.LookupEnv, Read: readWhole, Glob: filepath.Glob,
	}), nil
}

// readWhole reads a regular file, or a pipe, of bounded size.
func readWhole(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxImport+1))
	if err == nil && len(data) > maxImport {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("the file is larger than 16 MiB")}
	}
	return data, err
}

// deliver writes the result: to standard output, or whole and by rename to a
// file that is not there yet, or may be replaced.
func deliver(path string, data []byte, force bool) error {
	if path == "" {
		_, err := os.Stdout.Write(data)
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Chmod(0o640)
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return err
	case force:
		return os.Rename(temp.Name(), path)
	}
	// Unlike a rename, a link never replaces what another has put there meanwhile.
	if err := os.Link(temp.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fmt.Errorf("%s is there already (--force replaces it)", path)
}
