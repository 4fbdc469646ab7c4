// Idle connections: opens COUNT of them in one burst and holds them in silence until it is told to go on.
// A line on standard input lets every connection send 16 bytes and wait for them to come back, which shows
// that each one was accepted; the next line, or its end, closes them all.
//
// usage: idle PORT COUNT
// prints a JSON object for the burst, and one for the exchange

#include "load.h"

#define MESSAGE_SIZE 16

struct connection {
  int fd;
  size_t received;
  char message[MESSAGE_SIZE + 1];
};

static int epoll, count;
static struct connection *connections;

// Waits until `done` of a connection has been true `count` times, or nothing has happened for ten seconds.
static int settle(int expected, int (*done)(struct connection *)) {
  struct epoll_event events[MAX_EVENTS];
  while (expected > 0) {
    int ready = epoll_wait(epoll, events, MAX_EVENTS, 10000);
    if (ready == 0) fail("%d connections heard nothing for ten seconds", expected);
    if (ready <= 0) return 0;
    for (int i = 0; i < ready; i++) expected -= done(events[i].data.ptr);
  }
  return 1;
}

static void give_up(struct connection *c, const char *why) {
  fail("connection %d: %s", (int)(c - connections), why);
  close(c->fd);
  c->fd = -1;
}

static int connected(struct connection *c) {
  int outcome = connect_outcome(c->fd);
  if (outcome) return give_up(c, strerror(outcome)), 1;
  epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
  return 1;
}

static int answered(struct connection *c) {
  char reply[MESSAGE_SIZE + 1];
  ssize_t n = read(c->fd, reply, MESSAGE_SIZE - c->received + 1);
  if (n <= 0) return give_up(c, n ? strerror(errno) : "closed before the reply was complete"), 1;
  if (c->received + n > MESSAGE_SIZE || memcmp(reply, c->message + c->received, n))
    return give_up(c, "the reply differs from what was sent"), 1;
  c->received += n;
  return c->received == MESSAGE_SIZE;
}

static void burst(int port) {
  struct sockaddr_in address = loopback(port);
  int begun = 0;
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    c->fd = start_connecting(&address);
    if (c->fd < 0) continue;
    begun++;
    watch(epoll, EPOLL_CTL_ADD, c->fd, EPOLLOUT, c);
  }
  settle(begun, connected);
}

static void exchange(void) {
  int asked = 0;
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    if (c->fd < 0) continue;
    watch(epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
    snprintf(c->message, sizeof c->message, "idle  %09d\n", i % 1000000000);
    if (write(c->fd, c->message, MESSAGE_SIZE) == MESSAGE_SIZE) asked++;
    else give_up(c, "16 bytes were not taken at once");
  }
  settle(asked, answered);
}

static void tell(double started, double cpu_started) {
  printf("{\"operations\":%d,\"seconds\":%.6f,\"cpuSeconds\":%.6f,", count, now() - started,
         cpu_seconds() - cpu_started);
  printf("\"errors\":%ld,\"firstError\":\"%s\"}\n", errors, first_error);
  fflush(stdout);
}

// 0 at the end of the input: the harness has gone.
static int wait_for_line(void) {
  int c;
  do c = getchar();
  while (c != EOF && c != '\n');
  return c != EOF;
}

int main(int arguments, char **values) {
  if (arguments != 3) return fprintf(stderr, "usage: idle PORT COUNT\n"), 2;
  count = atoi(values[2]);
  connections = calloc(count, sizeof *connections);
  epoll = epoll_create1(0);
  raise_descriptor_limit();

  double started = now(), cpu_started = cpu_seconds();
  burst(atoi(values[1]));
  tell(started, cpu_started);
  if (!wait_for_line()) return 0;

  started = now(), cpu_started = cpu_seconds();
  exchange();
  tell(started, cpu_started);
  wait_for_line();
  return 0;
}
