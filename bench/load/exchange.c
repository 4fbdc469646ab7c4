// Requests and replies on lasting connections, for WARMUP + SECONDS seconds. WHAT is the size of a message that the
// server echoes, or a file with a dialogue: a line that is asked, the line that must be the answer, and so on. Every
// byte that comes back is compared with what must come.
//
// With RATE 0 the loop is closed: each connection has DEPTH messages in flight and asks again when it has all replies.
// Otherwise it is open: RATE batches of DEPTH a second are due, in turn on all connections, whatever the server does.
// One that finds its connection busy is sent late, and its latency still counts from the moment when it was due: a
// server that stands still for a moment is charged with everybody who would have asked meanwhile.
//
// usage: exchange PORT CONNECTIONS DEPTH WHAT RATE WARMUP SECONDS

#include <sys/timerfd.h>

#include "load.h"

// Each connection takes its batches from these in turn, so a reply meant for another request or another peer differs.
#define VARIANTS 16
#define SHORTEST_PAUSE 20e-6  // seconds; a timer for each of 100 000 requests a second would cost more than these
#define HEAD_START 0.2  // seconds for the connections to be made, before the first request of an open loop is due

struct batch {
  char *request, *reply;
  size_t request_size, reply_size;
};

struct connection {
  int fd;
  int number;
  long turn;                  // batches so far; chooses the variant
  const struct batch *batch;  // what is in flight, if anything
  size_t sent, received;
  int blocked;  // the kernel took no more, or it is not connected yet; EPOLLOUT is asked for
  double started;
};

static int epoll, timer = -1;
static size_t depth;
static int echoes;  // replies are the requests, so they cannot be ahead of what was sent
static struct batch variants[VARIANTS];
static size_t largest_reply;
static char *received;
static struct connection *connections;
static int alive, waiting;  // connections still open; those of them that have a batch in flight
static int count;
static int sending = 1;  // 0 once the window has closed: take the replies that are due, ask for no more
static double rate, first_due;
static long next_due;  // the number of the batch that is due next, of all connections
static struct histogram lateness;
static struct window window;

// ---- What is asked and answered ------------------------------------------------------------------------------

// Random letters; the last byte of each message is a newline.
static void prepare_echo(size_t size) {
  uint32_t random = 2463534242u;
  echoes = 1;
  for (int v = 0; v < VARIANTS; v++) {
    size_t length = size * depth;
    char *bytes = malloc(length);
    for (size_t i = 0; i < length; i++) {
      random ^= random << 13, random ^= random >> 17, random ^= random << 5;
      bytes[i] = (i + 1) % size ? 'a' + random % 26 : '\n';
    }
    variants[v] = (struct batch){bytes, bytes, length, length};
  }
}

static void append(char **to, size_t *length, const char *line, ssize_t n) {
  *to = realloc(*to, *length + n);
  memcpy(*to + *length, line, n);
  *length += n;
}

static ssize_t next_line(FILE *file, char **line, size_t *room) {
  ssize_t n = getline(line, room, file);
  if (n >= 0) return n;
  rewind(file);
  return getline(line, room, file);
}

// The file's lines, from the start again where it ends.
static void prepare_dialogue(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  char *line = NULL;
  size_t room = 0;
  for (int v = 0; v < VARIANTS; v++) {
    struct batch *b = &variants[v];
    for (size_t i = 0; i < depth; i++) {
      ssize_t n = next_line(file, &line, &room);
      if (n < 0) die(path);
      append(&b->request, &b->request_size, line, n);
      n = next_line(file, &line, &room);
      append(&b->reply, &b->reply_size, line, n);
    }
  }
  free(line);
  fclose(file);
}

static void prepare(const char *what) {
  long size = atol(what);
  size > 0 ? prepare_echo(size) : prepare_dialogue(what);
  for (int v = 0; v < VARIANTS; v++)
    if (variants[v].reply_size > largest_reply) largest_reply = variants[v].reply_size;
  received = malloc(largest_reply + 1);
}

// ---- One connection ------------------------------------------------------------------------------------------

static void drop(struct connection *c, const char *why) {
  fail("connection %d, request %ld: %s", c->number, c->turn, why);
  close(c->fd);
  c->fd = -1;
  alive--;
  if (c->batch) waiting--;
}

static void set_blocked(struct connection *c, int blocked) {
  if (c->blocked == blocked) return;
  c->blocked = blocked;
  watch(epoll, EPOLL_CTL_MOD, c->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
}

// Writes what is left of the batch, as far as the kernel takes it.
static void flush(struct connection *c) {
  if (!c->batch) return set_blocked(c, 0);
  size_t size = c->batch->request_size;
  ssize_t n = write(c->fd, c->batch->request + c->sent, size - c->sent);
  if (n < 0 && errno != EAGAIN) return drop(c, strerror(errno));
  if (n > 0) c->sent += n;
  set_blocked(c, c->sent < size);
}

static void next_batch(struct connection *c, double time) {
  c->batch = &variants[(c->number * 7 + c->turn++) % VARIANTS];
  c->sent = c->received = 0;
  c->started = time;
  waiting++;
}

static double due(long batch) { return first_due + batch / rate; }

static void complete(struct connection *c) {
  double time = now();
  window_count(&window, depth, time - c->started);
  waiting--;
  c->batch = NULL;
  if (!sending) return;
  if (rate > 0) {
    long batch = c->number + c->turn * count;
    if (batch >= next_due) return;  // its moment will come
    time = due(batch);
  }
  next_batch(c, time);
  flush(c);
}

// Reads what is there, with room for one byte too many.
static void take(struct connection *c) {
  size_t expected = c->batch ? c->batch->reply_size : 0;
  ssize_t n = read(c->fd, received, expected - c->received + 1);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) return drop(c, strerror(errno));
  if (n == 0) return drop(c, "closed before the reply was complete");
  size_t allowed = !c->batch ? 0 : echoes ? c->sent : expected;
  if (c->received + n > allowed) return drop(c, "more bytes came back than were due");
  if (memcmp(received, c->batch->reply + c->received, n)) return drop(c, "the reply is not the one that was due");
  c->received += n;
  if (c->received == expected) complete(c);
}

// ---- All of them ---------------------------------------------------------------------------------------------

// Sends what is due by now, and sets the timer to the moment of the next.
static void keep_pace(void) {
  uint64_t expirations;
  if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) die("timerfd");
  double time = now();
  for (; sending && due(next_due) <= time; next_due++) {
    struct connection *c = &connections[next_due % count];
    if (c->fd < 0 || c->batch) continue;  // `complete` will see that one was due
    if (window.open) histogram_add(&lateness, time - due(next_due));
    next_batch(c, due(next_due));
    if (!c->blocked) flush(c);
  }
  double next = due(next_due) > time + SHORTEST_PAUSE ? due(next_due) : time + SHORTEST_PAUSE;
  struct itimerspec at = {.it_value = {.tv_sec = (time_t)next, .tv_nsec = (long)((next - (time_t)next) * 1e9)}};
  if (sending) timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void run_until(double end) {
  struct epoll_event events[MAX_EVENTS];
  while (now() < end && alive > 0 && (sending || waiting > 0)) {
    int ready = epoll_wait(epoll, events, MAX_EVENTS, 50);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (!c) {
        keep_pace();
        continue;
      }
      if (events[i].events & EPOLLOUT) flush(c);
      if (c->fd >= 0 && events[i].events & ~EPOLLOUT) take(c);
    }
  }
}

// The first write is left to EPOLLOUT, which also tells that the connection stands.
static void connect_all(int port) {
  struct sockaddr_in address = loopback(port);
  connections = calloc(count, sizeof *connections);
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    *c = (struct connection){.number = i, .fd = start_connecting(&address), .blocked = 1};
    if (c->fd < 0) continue;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    alive++;
    if (rate == 0) next_batch(c, now());
    watch(epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c);
  }
}

static void start_pacing(void) {
  first_due = now() + HEAD_START;
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  if (timer < 0) die("timerfd_create");
  watch(epoll, EPOLL_CTL_ADD, timer, EPOLLIN, NULL);
  keep_pace();
}

int main(int arguments, char **values) {
  if (arguments != 8)
    return fprintf(stderr, "usage: exchange PORT CONNECTIONS DEPTH WHAT RATE WARMUP SECONDS\n"), 2;
  count = atoi(values[2]);
  depth = atol(values[3]);
  rate = atof(values[5]) / depth;
  epoll = epoll_create1(0);
  raise_descriptor_limit();
  prepare(values[4]);
  connect_all(atoi(values[1]));
  if (rate > 0) start_pacing();

  run_until(now() + atof(values[6]));
  window_open(&window);
  run_until(window.started + atof(values[7]));
  window_close(&window);
  sending = 0;
  run_until(now() + DRAIN_SECONDS);
  if (waiting > 0) fail("%d replies never came", waiting);
  window.late = histogram_percentile(&lateness, 0.99);
  window_report(&window);
  return 0;
}
