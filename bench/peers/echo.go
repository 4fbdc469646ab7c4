// Go net: a goroutine for every connection, as anyone would write it. Goroutines may use every core.
package main

import (
	"fmt"
	"net"
)

const bufferSize = 1024
const largestBuffer = 65536

func echo(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, bufferSize)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return
		}
		if n == len(buffer) && n < largestBuffer {
			buffer = make([]byte, min(largestBuffer, n*4))
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
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
			go echo(conn)
		}
	}
}
