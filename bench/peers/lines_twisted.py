"""Twisted's LineReceiver: answers each line with the same in capitals."""

from twisted.internet import protocol, reactor
from twisted.protocols.basic import LineReceiver


class Capitals(LineReceiver):
    delimiter = b"\n"

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def lineReceived(self, line):
        self.sendLine(line.upper())


class CapitalsFactory(protocol.Factory):
    protocol = Capitals
    noisy = False


port = reactor.listenTCP(0, CapitalsFactory(), backlog=4096, interface="127.0.0.1")
print("listening", port.getHost().port, flush=True)
reactor.run()
