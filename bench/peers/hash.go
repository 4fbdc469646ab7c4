// Go net with work for a processor: a goroutine for every connection, on every core.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"net"
)

var padding = make([]byte, 2000000)

func serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		hash := sha256.New()
		hash.Write(lines.Bytes())
		hash.Write(padding)
		if _, err := fmt.Fprintf(conn, "%x\n", hash.Sum(nil)); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err == nil {
			go serve(conn)
		}
	}
}
