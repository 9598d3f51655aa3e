package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Browser is a headless Chromium. It is spoken to by the DevTools protocol over a pipe, so it listens nowhere.
type Browser struct {
	cmd  *exec.Cmd
	done chan struct{}
	in   io.WriteCloser

	mu      sync.Mutex
	last    int
	waiting map[int]chan answer
	events  func(Event)
}

// Event is what a tab tells without being asked.
type Event struct {
	Session string          `json:"sessionId"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// chromiumFlags keep it from speaking with anybody, and let it work as root in a container.
func chromiumFlags(dir string) []string {
	return []string{
		"--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + dir, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--no-proxy-server", "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-US",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "about:blank",
	}
}

// StartBrowser starts Chromium, with its files in dir. events is called with what tabs tell, from one goroutine.
func StartBrowser(ctx context.Context, dir string, events func(Event)) (*Browser, error) {
	program, err := findChromium()
	if err != nil {
		return nil, err
	}
	fromUs, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	out, toUs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "chromium.log")) // #nosec G304 -- of a test
	if err != nil {
		return nil, fmt.Errorf("open log of chromium: %w", err)
	}
	b := &Browser{in: in, done: make(chan struct{}), waiting: map[int]chan answer{}, events: events}
	b.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, chromiumFlags(filepath.Join(dir, "profile"))...) // #nosec G204 -- what we have just looked up
	b.cmd.ExtraFiles = []*os.File{fromUs, toUs}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	// It has children: they end with its group.
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = b.cmd.Start()
	_ = errors.Join(fromUs.Close(), toUs.Close(), log.Close()) // It has its own.
	if err != nil {
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	go b.read(out)
	return b, nil
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("find chromium: it is not installed; on Debian: apt-get install chromium")
}

func (b *Browser) read(out *os.File) {
	defer close(b.done)
	defer func() { _ = out.Close() }()
	r := bufio.NewReader(out)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return // It has ended: whoever waits is told by done.
		}
		var message struct {
			Event
			answer

			ID int `json:"id"`
		}
		if err := json.Unmarshal(text[:len(text)-1], &message); err != nil {
			continue
		}
		if message.ID == 0 {
			b.events(message.Event)
			continue
		}
		b.mu.Lock()
		w := b.waiting[message.ID]
		delete(b.waiting, message.ID)
		b.mu.Unlock()
		if w != nil {
			w <- message.answer
		}
	}
}

// Call calls a method of the DevTools protocol, in the session of a tab or, where it is empty, of the browser.
func (b *Browser) Call(ctx context.Context, session, method string, params, result any) error {
	b.mu.Lock()
	b.last++
	id, w := b.last, make(chan answer, 1)
	b.waiting[id] = w
	text, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Session string `json:"sessionId,omitempty"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{id, session, method, params})
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	select {
	case a := <-w:
		if a.Error != nil {
			return fmt.Errorf("call %s: %s", method, a.Error.Message)
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("read answer of %s: %w", method, err)
		}
		return nil
	case <-b.done:
		return fmt.Errorf("call %s: chromium has ended", method)
	case <-ctx.Done():
		return fmt.Errorf("call %s: %w", method, ctx.Err())
	}
}

// NewTab opens a tab, and returns its session.
func (b *Browser) NewTab(ctx context.Context) (session string, err error) {
	var target struct{ TargetID string }
	if err := b.Call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return "", err
	}
	var attached struct{ SessionID string }
	if err := b.Call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return "", err
	}
	for _, domain := range []string{"Page", "Network", "Runtime", "Log"} {
		if err := b.Call(ctx, attached.SessionID, domain+".enable", map[string]any{}, nil); err != nil {
			return "", err
		}
	}
	return attached.SessionID, nil
}

// Stop ends the browser and its children.
func (b *Browser) Stop() {
	_ = b.in.Close() // It ends when nobody speaks to it any more.
	select {
	case <-b.done:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) // an error means that all have ended
	_ = b.cmd.Wait()                                      // how it ended stands in its log
}
