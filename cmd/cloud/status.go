package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ledger"
)

// lister is a ledger as the status shows it.
type lister interface {
	List(ctx context.Context, q ledger.Query) ([]ledger.Line, error)
}

// statusHandler serves the books as JSON, for tests and for people at the same
// machine:
//
//	GET /healthz                     whether the ledger can be read
//	GET /ledger?terminal=dev:t1&max=100   the newest sales first
//	GET /host                        the host simulator's decisions
//
// Card numbers in it are masked; there is nothing secret.
func statusHandler(books lister, host *hostsim.Host) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		_, err := books.List(r.Context(), ledger.Query{Max: 1})
		reply(w, map[string]string{"status": "ok", "version": version}, err)
	})
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.FormValue("max")) // what is no number is no limit
		lines, err := books.List(r.Context(), ledger.Query{Terminal: r.FormValue("terminal"), Max: limit})
		if lines == nil {
			lines = []ledger.Line{}
		}
		reply(w, lines, err)
	})
	mux.HandleFunc("GET /host", func(w http.ResponseWriter, r *http.Request) {
		postings, err := host.Postings(r.Context())
		if postings == nil {
			postings = []hostsim.Posting{}
		}
		reply(w, postings, err)
	})
	return mux
}

func reply(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = map[string]string{"error": oneLine(err)}
	}
	_ = json.NewEncoder(w).Encode(v) // the client has gone; there is nobody to tell
}
