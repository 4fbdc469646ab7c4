// Echo: CONNECTIONS connections, each with DEPTH messages of SIZE bytes in flight, for WARMUP + SECONDS seconds.
// The bytes of every reply are compared with what was sent. The last byte of a message is a newline.
//
// usage: echo PORT CONNECTIONS SIZE DEPTH WARMUP SECONDS

#include "load.h"

// Each connection takes its batches from these in turn, so a reply meant for another request or another peer differs.
#define VARIANTS 16

struct connection {
  int fd;
  int number;
  long turn;            // batches sent so far; chooses the variant
  const char *batch;    // what is in flight
  size_t sent, received;
  int blocked;          // the kernel took no more; EPOLLOUT is asked for
  double started;
};

static int epoll;
static size_t size, depth, batch_size;
static char *variants[VARIANTS];
static char *received;
static int alive, waiting;  // connections still open; those of them that have a batch in flight
static int sending = 1;     // 0 once the window has closed: take the replies that are due, ask for no more
static struct window window;

static void prepare_variants(void) {
  uint32_t random = 2463534242u;
  for (int v = 0; v < VARIANTS; v++) {
    variants[v] = malloc(batch_size);
    for (size_t i = 0; i < batch_size; i++) {
      random ^= random << 13, random ^= random >> 17, random ^= random << 5;
      variants[v][i] = (i + 1) % size ? 'a' + random % 26 : '\n';
    }
  }
}

static void drop(struct connection *c, const char *why) {
  fail("connection %d, request %ld: %s", c->number, c->turn, why);
  close(c->fd);
  c->fd = -1;
  alive--;
  waiting--;
}

static void set_blocked(struct connection *c, int blocked) {
  if (c->blocked == blocked) return;
  c->blocked = blocked;
  watch(epoll, EPOLL_CTL_MOD, c->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
}

// Writes what is left of the batch, as far as the kernel takes it.
static void flush(struct connection *c) {
  ssize_t n = write(c->fd, c->batch + c->sent, batch_size - c->sent);
  if (n < 0 && errno != EAGAIN) return drop(c, strerror(errno));
  if (n > 0) c->sent += n;
  set_blocked(c, c->sent < batch_size);
}

static void next_batch(struct connection *c, double time) {
  c->batch = variants[(c->number * 7 + c->turn++) % VARIANTS];
  c->sent = c->received = 0;
  c->started = time;
  waiting++;
}

static void complete(struct connection *c) {
  double time = now();
  window_count(&window, depth, time - c->started);
  waiting--;
  if (!sending) return;
  next_batch(c, time);
  flush(c);
}

// Reads what is there, with room for one byte too many; an echo cannot be ahead of what was sent.
static void take(struct connection *c) {
  ssize_t n = read(c->fd, received, batch_size - c->received + 1);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) return drop(c, strerror(errno));
  if (n == 0) return drop(c, "closed before the reply was complete");
  if (c->received + n > c->sent) return drop(c, "more bytes came back than were sent");
  if (memcmp(received, c->batch + c->received, n)) return drop(c, "the reply differs from what was sent");
  c->received += n;
  if (c->received == batch_size) complete(c);
}

static void run_until(double end) {
  struct epoll_event events[MAX_EVENTS];
  while (now() < end && alive > 0 && (sending || waiting > 0)) {
    int ready = epoll_wait(epoll, events, MAX_EVENTS, 50);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) flush(c);
      if (c->fd >= 0 && events[i].events & ~EPOLLOUT) take(c);
    }
  }
}

// The first write is left to EPOLLOUT, which also tells that the connection stands.
static void connect_all(int port, int count) {
  struct sockaddr_in address = loopback(port);
  struct connection *connections = calloc(count, sizeof *connections);
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    *c = (struct connection){.number = i, .fd = start_connecting(&address), .blocked = 1};
    if (c->fd < 0) continue;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    alive++;
    next_batch(c, now());
    watch(epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c);
  }
}

int main(int count, char **values) {
  if (count != 7) return fprintf(stderr, "usage: echo PORT CONNECTIONS SIZE DEPTH WARMUP SECONDS\n"), 2;
  size = atol(values[3]);
  depth = atol(values[4]);
  batch_size = size * depth;
  received = malloc(batch_size + 1);
  epoll = epoll_create1(0);
  raise_descriptor_limit();
  prepare_variants();
  connect_all(atoi(values[1]), atoi(values[2]));

  run_until(now() + atof(values[5]));
  window_open(&window);
  run_until(window.started + atof(values[6]));
  window_close(&window);
  sending = 0;
  run_until(now() + DRAIN_SECONDS);
  if (waiting > 0) fail("%d replies never came", waiting);
  window_report(&window);
  return 0;
}
