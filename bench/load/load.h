// What the generators share: a clock, their own CPU time, a histogram of latencies, errors, and the lines they print.
//
// A generator talks to the harness in lines on its standard output: `measuring` when the measured window opens,
// `measured` when it closes, and last one JSON object. The harness reads the server's CPU time at the first two.

#ifndef SWITCHBOARD_LOAD_H
#define SWITCHBOARD_LOAD_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS 1024
#define DRAIN_SECONDS 3.0  // how long a reply may be late, after the window, before it counts as lost

// ---- Time ----------------------------------------------------------------------------------------------------

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// Seconds of CPU that this process has used, in user and kernel mode.
static inline double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

// ---- Latencies -----------------------------------------------------------------------------------------------

// Exact below 256 µs; above, 128 buckets for every power of two, so within 0.4 %.
struct histogram {
  uint32_t count[64 * 128];
  uint64_t total;
};

static inline void histogram_add(struct histogram *h, double seconds) {
  uint64_t us = seconds > 0 ? (uint64_t)(seconds * 1e6) : 0;
  int shift = us < 256 ? 0 : 63 - __builtin_clzll(us) - 7;
  h->count[((uint64_t)shift << 7) + (us >> shift)]++;
  h->total++;
}

static inline double bucket_middle(int bucket) {
  if (bucket < 256) return bucket;
  int shift = (bucket >> 7) - 1;
  return (double)(((uint64_t)(bucket & 127) + 128) << shift) + (double)(1ull << shift) / 2;
}

// The latency, in µs, that `share` of all operations did not exceed; 0 when there were none.
static inline double histogram_percentile(const struct histogram *h, double share) {
  uint64_t seen = 0;
  for (int bucket = 0; bucket < 64 * 128; bucket++) {
    seen += h->count[bucket];
    if (h->total && seen >= h->total * share) return bucket_middle(bucket);
  }
  return 0;
}

// ---- Errors --------------------------------------------------------------------------------------------------

// Counts every failure and keeps the words of the first: a wrong or lost reply fails the run, and has to be explained.
static long errors;
static char first_error[160];

__attribute__((format(printf, 1, 2))) static inline void fail(const char *format, ...) {
  if (errors++) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(first_error, sizeof first_error, format, arguments);
  va_end(arguments);
}

__attribute__((noreturn)) static inline void die(const char *what) {
  perror(what);
  exit(1);
}

// ---- Sockets -------------------------------------------------------------------------------------------------

static inline struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Starts to connect without waiting; closing it resets, so that thousands of ports are not left in TIME_WAIT.
static inline int start_connecting(const struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EINPROGRESS) return fd;
  fail("connect: %s", strerror(errno));
  close(fd);
  return -1;
}

// What became of a connect that epoll reports as settled: 0, or the error number.
static inline int connect_outcome(int fd) {
  int outcome = 0;
  socklen_t length = sizeof outcome;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &length);
  return outcome;
}

static inline void watch(int epoll, int operation, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, operation, fd, &event)) die("epoll_ctl");
}

static inline void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// ---- The window and its report -------------------------------------------------------------------------------

// What is measured: the operations that end between the opening and the closing.
struct window {
  int open;
  double started, cpu_started, seconds, cpu, slowest;
  double late;  // by how many µs the generator itself was behind its schedule, if it has one
  long operations, lost;
  struct histogram latencies;
};

static inline void say(const char *line) {
  puts(line);
  fflush(stdout);
}

static inline void window_open(struct window *w) {
  say("measuring");
  w->started = now();
  w->cpu_started = cpu_seconds();
  w->open = 1;
}

// Counts what has ended. After the closing only `slowest` still grows: by the requests that were then due, or a
// connection that starved through the whole window would not show anywhere.
static inline void window_count(struct window *w, long operations, double latency) {
  if (w->started == 0) return;
  if (latency > w->slowest) w->slowest = latency;
  if (!w->open) return;
  w->operations += operations;
  histogram_add(&w->latencies, latency);
}

static inline void window_close(struct window *w) {
  w->seconds = now() - w->started;
  w->cpu = cpu_seconds() - w->cpu_started;
  w->open = 0;
  say("measured");
}

// The shares of all operations whose latency makes the curve; load.ts and plot/percentiles.ts know them too.
static const double curve[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1};

static inline void window_report(const struct window *w) {
  printf("{\"operations\":%ld,\"seconds\":%.6f,\"cpuSeconds\":%.6f,", w->operations, w->seconds, w->cpu);
  printf("\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"slowest\":%.1f,", histogram_percentile(&w->latencies, 0.5),
         histogram_percentile(&w->latencies, 0.99), histogram_percentile(&w->latencies, 0.999), w->slowest * 1e6);
  printf("\"late\":%.1f,\"curve\":[", w->late);
  for (size_t i = 0; i < sizeof curve / sizeof *curve; i++)
    printf("%s%.1f", i ? "," : "", histogram_percentile(&w->latencies, curve[i]));
  printf("],\"lost\":%ld,\"errors\":%ld,\"firstError\":\"%s\"}\n", w->lost, errors, first_error);
}

#endif
