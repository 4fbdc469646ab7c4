// Datagrams: a window of WINDOW packets of SIZE bytes in flight against an echo. Every reply is compared with what was
// sent, and must be due: one to a packet that was never sent, or was answered before, is a fault.
//
// A packet without a reply for a quarter of a second is given up, and another sent in its place; its own reply may
// still come, if the server only stood still. One that never comes, to the end of the run and some seconds more, is a
// fault as well: datagrams on loopback are lost where a socket's buffer is full, and the window of 64 small packets
// takes some 70 KB of the 208 that Linux gives a buffer. For the packets sent anew not to fill it either, each is
// waited for four times as long as the one before it: a server may stand still for five seconds.
//
// usage: udp PORT WINDOW SIZE WARMUP SECONDS

#include <poll.h>

#include "load.h"

#define MAX_SIZE 65507
#define LOOK_MS 50  // how often it is looked for packets that wait for long
#define PATIENCE 0.25
#define MOST_GIVEN_UP 8  // the last would wait for hours
#define MOST_AT_ONCE 1024  // replies between two looks at the clock

// The head of each packet: which place in the window it fills, and its number. No two packets have the same number, so
// that a reply whose head was changed is not taken for another's.
struct head {
  uint32_t slot, serial;
};

struct slot {
  uint32_t serial;  // of the packet in flight; 0 when there is none
  double started;  // when the first packet was sent of those that stand for one operation
  double sent;  // when the last was
  uint32_t given_up[MOST_GIVEN_UP];  // the packets whose replies may be late
  int given_up_count;
};

static int fd;
static size_t size;
static char packet[MAX_SIZE], reply[MAX_SIZE + 1];
static struct slot *slots;
static uint32_t places, last_serial;
static long due;  // replies that have not come, those to packets given up included
static int sending = 1;  // 0 once the window has closed
static struct window window;

static void put(struct slot *slot) {
  struct head head = {.slot = slot - slots, .serial = ++last_serial};
  memcpy(packet, &head, sizeof head);
  slot->serial = head.serial;
  slot->sent = now();
  due++;
  if (send(fd, packet, size, 0) < 0) fail("send: %s", strerror(errno));
}

static void start(struct slot *slot) {
  put(slot);
  slot->started = slot->sent;
}

static void send_anew(struct slot *slot) {
  slot->given_up[slot->given_up_count++] = slot->serial;
  put(slot);
}

static void look_for_waiting(double time) {
  for (struct slot *slot = slots; slot < slots + places; slot++)
    if (slot->given_up_count < MOST_GIVEN_UP && time - slot->sent > PATIENCE * (1 << 2 * slot->given_up_count))
      send_anew(slot);
}

// Whether a reply with this number is the late one to a packet that was given up; it is not due a second time.
static int was_given_up(struct slot *slot, uint32_t serial) {
  for (int i = 0; i < slot->given_up_count; i++) {
    if (slot->given_up[i] != serial) continue;
    slot->given_up[i] = slot->given_up[--slot->given_up_count];
    return 1;
  }
  return 0;
}

static void take(size_t length) {
  struct head head;
  memcpy(&head, reply, sizeof head);
  if (length != size || memcmp(reply + sizeof head, packet + sizeof head, size - sizeof head))
    return fail("the reply differs from what was sent");
  struct slot *slot = head.slot < places ? &slots[head.slot] : NULL;
  int in_flight = slot && head.serial && head.serial == slot->serial;
  if (!in_flight && !(slot && was_given_up(slot, head.serial)))
    return fail("a reply that was not due: packet %u in place %u", head.serial, head.slot);
  due--;
  if (!in_flight) return;
  window_count(&window, 1, now() - slot->started);
  slot->serial = 0;
  if (sending) start(slot);
}

static void take_all(void) {
  for (int i = 0; i < MOST_AT_ONCE; i++) {
    ssize_t n = recv(fd, reply, sizeof reply, MSG_DONTWAIT);
    if (n >= 0) take(n);
    else if (errno == EAGAIN) return;
    else return fail("receive: %s", strerror(errno));
  }
}

static void run_until(double end) {
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  double looked = now();
  for (double time = looked; time < end && errors == 0 && (sending || due > 0); time = now()) {
    if (sending && time - looked > LOOK_MS / 1000.0) look_for_waiting(looked = time);
    if (poll(&readable, 1, LOOK_MS) > 0) take_all();
  }
}

static void prepare(int port) {
  slots = calloc(places, sizeof *slots);
  memset(packet, 'x', sizeof packet);
  struct sockaddr_in address = loopback(port);
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int));
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
}

int main(int count, char **values) {
  if (count != 6) return fprintf(stderr, "usage: udp PORT WINDOW SIZE WARMUP SECONDS\n"), 2;
  places = atoi(values[2]);
  size = atol(values[3]);
  if (size < sizeof(struct head) || size > MAX_SIZE) return fprintf(stderr, "udp: SIZE is 8 to 65507\n"), 2;
  prepare(atoi(values[1]));
  for (uint32_t i = 0; i < places; i++) start(&slots[i]);

  run_until(now() + atof(values[4]));
  window_open(&window);
  run_until(window.started + atof(values[5]));
  window_close(&window);
  sending = 0;
  run_until(now() + DRAIN_SECONDS);
  if (due > 0 && errors == 0) fail("%ld replies never came", due);
  window.lost = due;
  window_report(&window);
  return 0;
}
