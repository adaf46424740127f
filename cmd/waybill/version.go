package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is what a binary knows of itself.
type release struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"` // empty: it was not built from a repository
	Time     string `json:"time"`   // of the commit
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisRelease() release {
	r := release{Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	r.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Commit = s.Value
		case "vcs.time":
			r.Time = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
	return r
}

func (a *app) version() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: none,
		RunE: func(*cobra.Command, []string) error {
			r := thisRelease()
			switch output {
			case "json":
				return json.NewEncoder(a.stdout).Encode(r)
			case "text":
			default:
				return usage(fmt.Errorf("-o %s: want text or json", output))
			}
			text := "waybill " + r.Version
			if r.Commit != "" {
				text += " commit " + r.Commit[:min(12, len(r.Commit))]
			}
			_, err := fmt.Fprintln(a.stdout, text+" "+r.Go+" "+r.Platform)
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	offer(cmd, "output", "text", "json")
	return cmd
}
