package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The files are looked at again and again: at some hundred of them that takes milliseconds, and it needs nothing of
// the system that another one does not have.
const (
	lookEvery = 500 * time.Millisecond
	// stillFor is how long nothing more may change before a build: whoever changes many files at once gets one.
	stillFor = 100 * time.Millisecond
)

// reloader builds functions anew when a file they are made of has changed, and has them go on with the new build.
type reloader struct {
	builder
	complain func(format string, args ...any)
	programs []*program
	tree     map[string]stamp // as of the last build
}

// program is a main package.
type program struct {
	code      string
	functions []*lambda        // that run it
	files     map[string]stamp // what its last build was made of, whether it succeeded or not; nil: not known
}

// stamp tells two contents of a file apart without reading them.
type stamp struct{ size, changed int64 }

// newReloader is told of the files as they were before the functions were built.
func newReloader(b builder, functions map[string]*lambda, tree map[string]stamp, complain func(string, ...any)) *reloader {
	r := &reloader{builder: b, complain: complain, tree: tree}
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		f := functions[id]
		n := slices.IndexFunc(r.programs, func(p *program) bool { return p.code == f.code })
		if n < 0 {
			n, r.programs = len(r.programs), append(r.programs, &program{code: f.code})
		}
		r.programs[n].functions = append(r.programs[n].functions, f)
	}
	return r
}

// look stamps all files below the root: those the functions are made of, and those they may be made of next. Hidden
// folders are left out, as the compiler does, and so are the runner's state and the tools.
func look(root, state string) map[string]stamp {
	root, state = truePath(root), truePath(state)
	tree := map[string]stamp{}
	// What goes while one looks at it is not there.
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case !d.IsDir():
			if i, err := d.Info(); err == nil {
				tree[path] = stamp{i.Size(), i.ModTime().UnixNano()}
			}
		case path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || path == state):
			return filepath.SkipDir
		}
		return nil
	})
	return tree
}

// truePath is the path of a folder as the compiler is told it.
func truePath(directory string) string {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return directory
	}
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		return resolved
	}
	return absolute
}

// run looks for changes until the context ends.
func (r *reloader) run(ctx context.Context) {
	if maps.Equal(look(r.root, r.state), r.tree) {
		r.concerned(ctx, r.tree) // remembers what the first builds were made of
	}
	for pause(ctx, lookEvery) {
		now := look(r.root, r.state)
		for before := r.tree; !maps.Equal(now, before) && pause(ctx, stillFor); now = look(r.root, r.state) {
			before = now
		}
		if !maps.Equal(now, r.tree) {
			r.reload(ctx, now)
			r.tree = now
		}
	}
}

// reload builds what a change of the files concerns.
func (r *reloader) reload(ctx context.Context, tree map[string]stamp) {
	concerned := r.concerned(ctx, tree)
	if len(concerned) == 0 {
		return
	}
	r.rebuild(ctx, concerned)
	if ctx.Err() != nil {
		return
	}
	var functions []*lambda
	for _, p := range concerned {
		functions = append(functions, p.functions...)
	}
	for _, x := range buildFaults(functions) {
		r.complain("%s: cannot be built, the build before goes on:\n%s", strings.Join(x.Functions, ", "), x.Fault)
	}
}

// concerned are the programs whose files are not those of their last build. It remembers the files there are now.
func (r *reloader) concerned(ctx context.Context, tree map[string]stamp) (concerned []*program) {
	sources, err := r.sources(ctx)
	for _, p := range r.programs {
		files := map[string]stamp{}
		for _, f := range sources[p.code] {
			if s, ok := tree[f]; ok { // and is not the standard library's, or another module's of some version
				files[f] = s
			}
		}
		if err != nil || p.files == nil || !maps.Equal(files, p.files) { // the compiler words the error best
			concerned = append(concerned, p)
		}
		p.files = files
	}
	return concerned
}

// sources are the files that each program is made of, as the compiler sees them.
func (r *reloader) sources(ctx context.Context) (map[string][]string, error) {
	codes, root := []string{}, truePath(r.root)
	for _, p := range r.programs {
		codes = append(codes, p.code)
	}
	list := []string{"list", "-e", "-deps", "-json=ImportPath,Dir,Deps,GoFiles,IgnoredGoFiles,SFiles,EmbedFiles"}
	cmd := exec.CommandContext(ctx, "go", slices.Concat(list, r.flags(), packages(codes))...)
	cmd.Dir, cmd.Env = root, append(r.environment(), "PWD="+root)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	type listed struct {
		ImportPath, Dir                                   string
		Deps, GoFiles, IgnoredGoFiles, SFiles, EmbedFiles []string
	}
	files, deps := map[string][]string{}, map[string][]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("list sources: %w", err)
		}
		for _, f := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.SFiles, p.EmbedFiles) {
			files[p.ImportPath] = append(files[p.ImportPath], filepath.Join(p.Dir, f))
		}
		if slices.ContainsFunc(codes, func(code string) bool { return p.Dir == filepath.Join(root, code) }) {
			deps[p.Dir] = append(p.Deps, p.ImportPath)
		}
	}
	sources := map[string][]string{}
	for _, code := range codes {
		for _, f := range []string{"go.mod", "go.sum"} {
			sources[code] = append(sources[code], filepath.Join(root, f))
		}
		for _, p := range deps[filepath.Join(root, code)] {
			sources[code] = append(sources[code], files[p]...)
		}
	}
	return sources, nil
}

// rebuild builds programs together, which is quickest, and if that fails each by itself, so that one that is broken
// holds up no other.
func (r *reloader) rebuild(ctx context.Context, programs []*program) {
	var mu sync.Mutex // the compiler's last words may come late
	var words strings.Builder
	began, codes := time.Now(), []string{}
	for _, p := range programs {
		codes = append(codes, p.code)
	}
	directories, err := r.build(ctx, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		words.WriteString(line + "\n")
	}, codes...)
	mu.Lock()
	fault := strings.TrimSpace(words.String())
	mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil && len(programs) > 1:
		for _, p := range programs {
			r.rebuild(ctx, []*program{p})
		}
	case err != nil:
		for _, f := range programs[0].functions {
			f.keep(orText(fault, err.Error()))
		}
	default:
		for _, p := range programs {
			r.swap(p, directories[p.code], began)
		}
	}
}

// swap has the functions of a program go on with a new build.
func (r *reloader) swap(p *program, directory string, began time.Time) {
	mended, now, swapped, names := buildFaults(p.functions), time.Now(), false, []string{}
	for _, f := range p.functions {
		swapped = f.swap(directory, now) || swapped
		names = append(names, f.id)
	}
	switch {
	case swapped:
		r.complain("%s: reloaded, built in %d ms", strings.Join(names, ", "), now.Sub(began).Milliseconds())
		if err := r.prune(p.code, directory); err != nil {
			r.complain("an old build stays: %v", err)
		}
	case len(mended) > 0:
		r.complain("%s: can be built again, and is what it was", strings.Join(names, ", "))
	}
}

// buildFault is why functions go on with the build they had.
type buildFault struct {
	Functions []string `json:"functions"`
	Fault     string   `json:"fault"`
}

// buildFaults says each fault once: what two functions share breaks both.
func buildFaults(functions []*lambda) []buildFault {
	faults := []buildFault{}
	for _, f := range functions {
		_, fault := f.build()
		if fault == "" {
			continue
		}
		n := slices.IndexFunc(faults, func(x buildFault) bool { return x.Fault == fault })
		if n < 0 {
			n, faults = len(faults), append(faults, buildFault{Fault: fault})
		}
		faults[n].Functions = append(faults[n].Functions, f.id)
	}
	return faults
}
