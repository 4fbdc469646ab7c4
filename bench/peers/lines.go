// Go net: answers each line with the same in capitals, and writes when no more lines have come.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
)

func serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 16384)
	writer := bufio.NewWriterSize(conn, 16384)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		writer.Write(bytes.ToUpper(line))
		if reader.Buffered() > 0 {
			continue
		}
		if writer.Flush() != nil {
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
