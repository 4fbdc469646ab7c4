"""Twisted, with the reactor that it chooses by itself."""

from twisted.internet import protocol, reactor


class Echo(protocol.Protocol):
    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data):
        self.transport.write(data)


class EchoFactory(protocol.Factory):
    protocol = Echo
    noisy = False


port = reactor.listenTCP(0, EchoFactory(), backlog=4096, interface="127.0.0.1")
print("listening", port.getHost().port, flush=True)
reactor.run()
