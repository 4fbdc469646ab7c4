// Short connections: PARALLEL at a time connect, send 16 bytes, wait for the same 16 bytes, and reset.
// One operation is one such life; its latency runs from the connect to the last byte of the reply.
// Edge-triggered, so that a connection costs one call to epoll_ctl: this work is the client's as much as the server's.
//
// usage: connect PORT PARALLEL WARMUP SECONDS

#include "load.h"

#define MESSAGE_SIZE 16

struct visit {
  int fd;
  int greeted;
  size_t received;
  char message[MESSAGE_SIZE + 1];
  double started;
};

static int epoll, waiting, sending = 1;
static unsigned serial;  // in each message, so that no two visits send the same
static struct sockaddr_in address;
static struct window window;

static void begin(struct visit *v) {
  v->greeted = v->received = 0;
  v->started = now();
  v->fd = start_connecting(&address);
  if (v->fd < 0) return;
  waiting++;
  watch(epoll, EPOLL_CTL_ADD, v->fd, EPOLLIN | EPOLLOUT | EPOLLET, v);
}

static void end(struct visit *v) {
  close(v->fd);
  waiting--;
  if (sending) begin(v);
}

static void lose(struct visit *v, const char *why) {
  fail("connection %u: %s", serial, why);
  end(v);
}

static void greet(struct visit *v) {
  snprintf(v->message, sizeof v->message, "visit %09u\n", serial++ % 1000000000u);
  ssize_t n = write(v->fd, v->message, MESSAGE_SIZE);
  if (n != MESSAGE_SIZE) return lose(v, n < 0 ? strerror(errno) : "16 bytes were not taken at once");
  v->greeted = 1;
}

static void take(struct visit *v) {
  char reply[MESSAGE_SIZE + 1];
  ssize_t n = read(v->fd, reply, MESSAGE_SIZE - v->received + 1);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) return lose(v, strerror(errno));
  if (n == 0) return lose(v, "closed before the reply was complete");
  if (v->received + n > MESSAGE_SIZE) return lose(v, "more bytes came back than were sent");
  if (memcmp(reply, v->message + v->received, n)) return lose(v, "the reply differs from what was sent");
  v->received += n;
  if (v->received < MESSAGE_SIZE) return;
  window_count(&window, 1, now() - v->started);
  end(v);
}

static void run_until(double time) {
  struct epoll_event events[MAX_EVENTS];
  while (now() < time && waiting > 0) {
    int ready = epoll_wait(epoll, events, MAX_EVENTS, 50);
    for (int i = 0; i < ready; i++) {
      struct visit *v = events[i].data.ptr;
      v->greeted ? take(v) : greet(v);
    }
  }
}

int main(int count, char **values) {
  if (count != 5) return fprintf(stderr, "usage: connect PORT PARALLEL WARMUP SECONDS\n"), 2;
  address = loopback(atoi(values[1]));
  int parallel = atoi(values[2]);
  epoll = epoll_create1(0);
  raise_descriptor_limit();
  struct visit *visits = calloc(parallel, sizeof *visits);
  for (int i = 0; i < parallel; i++) begin(&visits[i]);

  run_until(now() + atof(values[3]));
  window_open(&window);
  run_until(window.started + atof(values[4]));
  window_close(&window);
  sending = 0;
  run_until(now() + DRAIN_SECONDS);
  if (waiting > 0) fail("%d replies never came", waiting);
  window_report(&window);
  return 0;
}
