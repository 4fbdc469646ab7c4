// Datagrams: a window of WINDOW packets of SIZE bytes in flight against an echo. Every reply is compared with
// what was sent; packets of which nothing was heard while 50 ms passed in silence count as lost and are sent anew.
//
// usage: udp PORT WINDOW SIZE WARMUP SECONDS

#include <poll.h>

#include "load.h"

#define MAX_SIZE 65507
#define SILENCE_MS 50

// The head of each packet: which place in the window it fills, and its number, so that a late one is known as late.
struct head {
  uint32_t slot, serial;
};

struct slot {
  uint32_t serial;
  double started;
};

static int fd;
static size_t size;
static char packet[MAX_SIZE], reply[MAX_SIZE + 1];
static struct slot *slots;
static uint32_t places;
static struct window window;

static void put(uint32_t slot) {
  struct head head = {.slot = slot, .serial = ++slots[slot].serial};
  memcpy(packet, &head, sizeof head);
  slots[slot].started = now();
  if (send(fd, packet, size, 0) < 0 && errno != EAGAIN && errno != ENOBUFS) fail("send: %s", strerror(errno));
}

static void put_all(void) {
  for (uint32_t slot = 0; slot < places; slot++) put(slot);
}

static void take(ssize_t length) {
  struct head head;
  memcpy(&head, reply, sizeof head);
  if ((size_t)length != size) return fail("a packet of %zu bytes came back with %zd", size, length);
  if (head.slot >= places || memcmp(reply + sizeof head, packet + sizeof head, size - sizeof head))
    return fail("the reply differs from what was sent");
  if (head.serial != slots[head.slot].serial) return;  // counted as lost, and sent anew, before it came
  window_count(&window, 1, now() - slots[head.slot].started);
  put(head.slot);
}

static void run_until(double time) {
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  while (now() < time) {
    if (poll(&readable, 1, SILENCE_MS) == 0) {
      if (window.open) window.lost += places;
      put_all();
      continue;
    }
    ssize_t n;
    while ((n = recv(fd, reply, sizeof reply, MSG_DONTWAIT)) >= 0) take(n);
    if (errno != EAGAIN) return fail("receive: %s", strerror(errno));
  }
}

int main(int count, char **values) {
  if (count != 6) return fprintf(stderr, "usage: udp PORT WINDOW SIZE WARMUP SECONDS\n"), 2;
  places = atoi(values[2]);
  size = atol(values[3]);
  if (size < sizeof(struct head) || size > MAX_SIZE) return fprintf(stderr, "udp: SIZE is 8 to 65507\n"), 2;
  slots = calloc(places, sizeof *slots);
  memset(packet, 'x', sizeof packet);

  struct sockaddr_in address = loopback(atoi(values[1]));
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int));
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");

  put_all();
  run_until(now() + atof(values[4]));
  window_open(&window);
  run_until(window.started + atof(values[5]));
  window_close(&window);
  window_report(&window);
  return 0;
}
