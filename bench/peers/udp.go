// Go net: one goroutine that receives and sends, as anyone would write it.
package main

import (
	"fmt"
	"net"
)

const bufferSize = 65536

func main() {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println("listening", conn.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, bufferSize)
	for {
		n, peer, err := conn.ReadFromUDPAddrPort(buffer)
		if err == nil {
			conn.WriteToUDPAddrPort(buffer[:n], peer)
		}
	}
}
