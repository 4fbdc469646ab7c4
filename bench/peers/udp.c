// A C loop: about as little as a datagram echo can do, so the limit of the machine.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static char packet[65536];

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(fd, (struct sockaddr *)&address, length)) return perror("bind"), 1;
  getsockname(fd, (struct sockaddr *)&address, &length);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct sockaddr_in peer;
    socklen_t peer_length = sizeof peer;
    ssize_t n = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&peer, &peer_length);
    if (n >= 0) sendto(fd, packet, n, 0, (struct sockaddr *)&peer, peer_length);
  }
}
