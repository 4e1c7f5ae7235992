// SPDX-License-Identifier: BSD-2-Clause

// The client of gorilla/websocket.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const deadline = 30 * time.Second

var sizes = []int{0, 1, 125, 126, 65535, 65536, 1 << 20}

func open(name string) *websocket.Conn {
	dialer := websocket.Dialer{
		HandshakeTimeout:  deadline,
		EnableCompression: os.Getenv("INTEROP_DEFLATE") != "",
	}
	if ca := os.Getenv("INTEROP_CA"); ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			panic(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		dialer.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	ws, response, err := dialer.Dial(os.Getenv("INTEROP_"+name), nil)
	if err != nil {
		panic(err)
	}
	if name == "TEXT" && dialer.EnableCompression {
		agreed := strings.Contains(response.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate")
		check("deflate", func() error {
			if !agreed {
				return fmt.Errorf("it was not agreed on")
			}
			return nil
		})
	}
	ws.SetReadDeadline(time.Now().Add(deadline))
	return ws
}

func check(name string, body func() error) {
	if err := body(); err != nil {
		fmt.Printf("not ok %s: %s\n", name, err)
	} else {
		fmt.Printf("ok %s\n", name)
	}
}

func text(n int) []byte {
	return []byte(strings.Repeat("€01234567890123", n/17) + strings.Repeat("x", n%17))
}

func binary(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*31 + i>>8)
	}
	return data
}

// Expects one message.
func expect(ws *websocket.Conn, kind int, wanted []byte) error {
	got, data, err := ws.ReadMessage()
	if err != nil {
		return err
	}
	if got != kind || !bytes.Equal(data, wanted) {
		return fmt.Errorf("type %d and %d bytes came, not what was sent", got, len(data))
	}
	return nil
}

// Expects the connection to end so.
func expectClose(ws *websocket.Conn, code int, reason string) error {
	_, _, err := ws.ReadMessage()
	if end, ok := err.(*websocket.CloseError); ok && end.Code == code && end.Text == reason {
		return nil
	}
	return fmt.Errorf("it ended with: %v", err)
}

func closeWith(ws *websocket.Conn, code int, reason string) error {
	return ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(deadline))
}

func echoText(ws *websocket.Conn, n int) error {
	if err := ws.WriteMessage(websocket.TextMessage, text(n)); err != nil {
		return err
	}
	return expect(ws, websocket.TextMessage, text(n))
}

// Of nothing nothing comes back, so another byte follows it.
func echoBinary(ws *websocket.Conn, n int) error {
	wanted, got := binary(n), []byte{}
	if n == 0 {
		wanted = binary(1)
		if err := ws.WriteMessage(websocket.BinaryMessage, nil); err != nil {
			return err
		}
	}
	if err := ws.WriteMessage(websocket.BinaryMessage, wanted); err != nil {
		return err
	}
	for len(got) < len(wanted) {
		kind, part, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		if kind != websocket.BinaryMessage {
			return fmt.Errorf("type %d came", kind)
		}
		got = append(got, part...)
	}
	if !bytes.Equal(got, wanted) {
		return fmt.Errorf("it was changed")
	}
	return nil
}

// PONGs are seen while a message is waited for, so one is asked for behind each PING.
func ping(ws *websocket.Conn) error {
	pongs := []string{}
	ws.SetPongHandler(func(payload string) error {
		pongs = append(pongs, payload)
		return nil
	})
	for i, payload := range []string{"\x00\xff\x80\n", "", strings.Repeat("p", 125)} {
		if err := ws.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(deadline)); err != nil {
			return err
		}
		if err := echoText(ws, 1); err != nil {
			return err
		}
		if len(pongs) != i+1 || pongs[i] != payload {
			return fmt.Errorf("%d PONGs came, %q", len(pongs), pongs)
		}
	}
	return nil
}

func main() {
	ws := open("TEXT")
	for _, n := range sizes {
		check(fmt.Sprintf("text-%d", n), func() error { return echoText(ws, n) })
	}
	check("ping", func() error { return ping(ws) })
	check("close-client", func() error {
		if err := closeWith(ws, 4001, "bye"); err != nil {
			return err
		}
		return expectClose(ws, 4001, "")
	})
	ws = open("BYTES")
	for _, n := range sizes {
		check(fmt.Sprintf("binary-%d", n), func() error { return echoBinary(ws, n) })
	}
	ws.Close()
	check("close-server", func() error {
		ws := open("EXIT")
		if err := ws.WriteMessage(websocket.TextMessage, []byte("3")); err != nil {
			return err
		}
		return expectClose(ws, 4003, "exit 3")
	})
	check("pong", func() error {
		ws := open("IDLE")
		if err := expect(ws, websocket.TextMessage, []byte("awake")); err != nil {
			return err
		}
		if err := ws.WriteMessage(websocket.TextMessage, []byte("still here")); err != nil {
			return err
		}
		return expect(ws, websocket.TextMessage, []byte("still here"))
	})
}
