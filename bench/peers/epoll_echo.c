// A C epoll loop: about as little as an echo server can do, so the limit of the machine. A reply that the kernel
// does not take at once is kept, and nothing more is read from that connection until it is gone.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE 65536

struct connection {
  int fd;
  char *unsent;
  size_t length, sent;
};

static int epoll;
static char buffer[BUFFER_SIZE];

static void watch(int operation, struct connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(epoll, operation, c->fd, &event);
}

static void end(struct connection *c) {
  close(c->fd);
  free(c->unsent);
  free(c);
}

static void accept_all(struct connection *listener) {
  int fd;
  while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    watch(EPOLL_CTL_ADD, c, EPOLLIN);
  }
}

static void keep(struct connection *c, const char *rest, size_t length) {
  c->unsent = malloc(length);
  memcpy(c->unsent, rest, length);
  c->length = length;
  c->sent = 0;
  watch(EPOLL_CTL_MOD, c, EPOLLOUT);
}

static void echo(struct connection *c) {
  ssize_t n = read(c->fd, buffer, BUFFER_SIZE);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return end(c);
  ssize_t sent = write(c->fd, buffer, n);
  if (sent < 0 && errno != EAGAIN) return end(c);
  if (sent < n) keep(c, buffer + (sent > 0 ? sent : 0), n - (sent > 0 ? sent : 0));
}

static void send_rest(struct connection *c) {
  ssize_t n = write(c->fd, c->unsent + c->sent, c->length - c->sent);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) return end(c);
  c->sent += n;
  if (c->sent < c->length) return;
  free(c->unsent);
  c->unsent = NULL;
  watch(EPOLL_CTL_MOD, c, EPOLLIN);
}

static int listen_anywhere(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) exit(1);
  getsockname(fd, (struct sockaddr *)&address, &length);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  epoll = epoll_create1(0);
  struct connection listener = {.fd = listen_anywhere()};
  watch(EPOLL_CTL_ADD, &listener, EPOLLIN);
  struct epoll_event events[1024];
  for (;;) {
    int ready = epoll_wait(epoll, events, 1024, -1);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == &listener) accept_all(c);
      else if (c->unsent) send_rest(c);
      else echo(c);
    }
  }
}
