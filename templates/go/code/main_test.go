package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func get(t *testing.T, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	routes().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func TestItGreets(t *testing.T) {
	if code, body := get(t, "/"); code != http.StatusOK || body != greeting {
		t.Errorf("%d: %q", code, body)
	}
}

func TestItIsHealthy(t *testing.T) {
	if code, body := get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("%d: %q", code, body)
	}
}

func TestItKnowsNoOtherPath(t *testing.T) {
	if code, body := get(t, "/nothing"); code != http.StatusNotFound {
		t.Errorf("%d: %q", code, body)
	}
}

func TestItFinishesWhatItHasBegunWhenItIsAskedToStop(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "done")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, slow) }()

	answered := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		answered <- string(body)
	}()

	<-begun
	stop()
	select {
	case err := <-ended:
		t.Fatalf("ended before its answer: %v", err)
	default:
		close(finish)
	}
	if body := <-answered; body != "done" {
		t.Errorf("answered %q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
