/*
 * The scripted upstream of the benchmark: one thread, epoll, HTTP/1.1 with keep-alive.
 *
 *   upstream JSON-FILE EVENTS-FILE
 *
 * It reads each request whole and drops its body. What it answers is set for all requests:
 *
 *   GET /control/json    the first file's document (at the start)
 *   GET /control/tick    the second file's 100 server-sent events, one every 10 ms, each in a write of its
 *                        own; all streams in the same tick
 *   GET /control/spread  the same, each stream counting from its own start
 *   GET /control/idle    the first event, then nothing
 *   GET /control/counts  {"requests":N,"events":N}: answered so far
 *
 * It prints its port, and ends with its standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 65536, READ_BYTES = 262144, EVENTS = 100, INTERVAL_NS = 10000000 };
enum mode { JSON, TICK, SPREAD, IDLE };

struct connection {
  int fd;
  /* The head as far as it has come. */
  char head[HEAD_MAX + 1];
  int head_bytes;
  /* Bytes of the body that are missing; -1 while the head is. */
  long body_left;
  /* Events sent of a running stream; -1: none runs. */
  int sent;
  int64_t due_ns;
  struct connection *next, *previous;
  int streaming;
};

static int poller, timer, stdin_fd = 0;
static enum mode mode = JSON;
static unsigned long requests, events_sent;
/* Running streams, in the order in which they are due. */
static struct connection *first, *last;
static char *json;
static int json_bytes;
static const char stream_head[] = "HTTP/1.1 200 OK\r\n"
                                  "content-type: text/event-stream; charset=utf-8\r\n"
                                  "request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n"
                                  "transfer-encoding: chunked\r\n\r\n";
static char *event_text[EVENTS];
static int event_bytes[EVENTS];

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The text of a file, ended by a zero byte. */
static char *text_of(const char *path, long *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *bytes = ftell(file);
  rewind(file);
  char *text = calloc(1, *bytes + 1);
  if (fread(text, 1, *bytes, file) != (size_t)*bytes) exit(2);
  fclose(file);
  return text;
}

static void read_json(const char *path) {
  long bytes;
  char *body = text_of(path, &bytes);
  json_bytes = asprintf(&json,
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                        "request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\ncontent-length: %ld\r\n\r\n%s",
                        bytes, body);
  free(body);
}

/* Each event becomes one chunk of the transfer coding; the last carries its end. */
static void read_events(const char *path) {
  long bytes;
  char *events = text_of(path, &bytes), *from = events;
  for (int index = 0; index < EVENTS; index++) {
    char *end = strstr(from, "\n\n");
    if (!end) exit(2);
    int count = (int)(end + 2 - from);
    event_bytes[index] = asprintf(&event_text[index], "%x\r\n%.*s\r\n%s", count, count, from,
                                  index == EVENTS - 1 ? "0\r\n\r\n" : "");
    from = end + 2;
  }
  free(events);
}

static void unlink_stream(struct connection *connection) {
  if (!connection->streaming) return;
  connection->streaming = 0;
  if (connection->previous) connection->previous->next = connection->next;
  else first = connection->next;
  if (connection->next) connection->next->previous = connection->previous;
  else last = connection->previous;
}

static void append_stream(struct connection *connection) {
  connection->streaming = 1;
  connection->next = NULL;
  connection->previous = last;
  if (last) last->next = connection;
  else first = connection;
  last = connection;
}

static void arm(void) {
  static int64_t armed;
  int64_t due = first ? first->due_ns : 0;
  if (due == armed) return;
  armed = due;
  struct itimerspec when = {{0, 0}, {due / 1000000000, due % 1000000000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void drop(struct connection *connection) {
  unlink_stream(connection);
  close(connection->fd);
  free(connection);
}

/* All or nothing: answers are small against a socket's buffer. 0: the connection is gone. */
static int send_all(struct connection *connection, const char *bytes, int count) {
  while (count > 0) {
    ssize_t wrote = send(connection->fd, bytes, count, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EAGAIN) continue;
    if (wrote <= 0) return 0;
    bytes += wrote;
    count -= wrote;
  }
  return 1;
}

static int send_event(struct connection *connection) {
  int index = connection->sent++;
  events_sent++;
  if (connection->sent == EVENTS) connection->sent = -1;
  return send_all(connection, event_text[index], event_bytes[index]);
}

static int start_stream(struct connection *connection) {
  connection->sent = 0;
  if (!send_all(connection, stream_head, sizeof stream_head - 1)) return 0;
  if (!send_event(connection)) return 0;
  if (mode == IDLE) return 1;
  int64_t now = now_ns();
  connection->due_ns = mode == SPREAD ? now + INTERVAL_NS : (now / INTERVAL_NS + 1) * INTERVAL_NS;
  append_stream(connection);
  return 1;
}

static void send_due(void) {
  uint64_t ticks;
  if (read(timer, &ticks, sizeof ticks) < 0) return;
  int64_t now = now_ns();
  while (first && first->due_ns <= now) {
    struct connection *connection = first;
    unlink_stream(connection);
    if (!send_event(connection)) {
      drop(connection);
      continue;
    }
    if (connection->sent < 0) continue;
    connection->due_ns += INTERVAL_NS;
    append_stream(connection);
  }
}

static int answer_control(struct connection *connection, const char *name) {
  if (!strncmp(name, "json", 4)) mode = JSON;
  else if (!strncmp(name, "tick", 4)) mode = TICK;
  else if (!strncmp(name, "spread", 6)) mode = SPREAD;
  else if (!strncmp(name, "idle", 4)) mode = IDLE;
  char body[128], answer[256];
  int bytes = snprintf(body, sizeof body, "{\"requests\":%lu,\"events\":%lu}", requests, events_sent);
  int count = snprintf(answer, sizeof answer,
                       "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                       "content-length: %d\r\n\r\n%s", bytes, body);
  return send_all(connection, answer, count);
}

static int answer(struct connection *connection) {
  char *control = strstr(connection->head, " /control/");
  char *line_end = strstr(connection->head, "\r\n");
  int is_control = control && control < line_end;
  connection->head_bytes = 0;
  connection->body_left = -1;
  if (is_control) return answer_control(connection, control + 10);
  requests++;
  return mode == JSON ? send_all(connection, json, json_bytes) : start_stream(connection);
}

/* Takes bytes of a request; one request at a time on a connection. 0: drop it. */
static int take(struct connection *connection, const char *bytes, long count) {
  while (count > 0) {
    if (connection->body_left < 0) {
      int before = connection->head_bytes;
      int room = HEAD_MAX - before;
      int took = count < room ? (int)count : room;
      if (took == 0) return 0;
      memcpy(connection->head + before, bytes, took);
      connection->head[before + took] = 0;
      char *end = strstr(connection->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
      connection->head_bytes = before + took;
      if (!end) {
        bytes += took;
        count -= took;
        continue;
      }
      long used = end + 4 - connection->head - before;
      connection->head[before + used] = 0;
      char *length = strcasestr(connection->head, "\ncontent-length:");
      connection->body_left = length ? atol(length + 16) : 0;
      /* Chunked requests are not understood: no proxy here sends them. */
      if (strcasestr(connection->head, "\ntransfer-encoding:")) return 0;
      bytes += used;
      count -= used;
    }
    long body = count < connection->body_left ? count : connection->body_left;
    connection->body_left -= body;
    bytes += body;
    count -= body;
    if (connection->body_left == 0 && !answer(connection)) return 0;
  }
  return 1;
}

static void receive(struct connection *connection) {
  static char bytes[READ_BYTES];
  ssize_t count = recv(connection->fd, bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || !take(connection, bytes, count)) drop(connection);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = calloc(1, sizeof *connection);
    connection->fd = fd;
    connection->body_left = -1;
    connection->sent = -1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listen_anywhere(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t bytes = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, bytes) || listen(fd, 4096)) exit(1);
  getsockname(fd, (struct sockaddr *)&address, &bytes);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static void watch(int fd, void *mark) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int count_of_arguments, char **arguments) {
  if (count_of_arguments != 3) return 64;
  read_json(arguments[1]);
  read_events(arguments[2]);
  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  int listener = listen_anywhere();
  watch(listener, &listener);
  watch(timer, &timer);
  watch(stdin_fd, &stdin_fd);
  for (;;) {
    struct epoll_event found[256];
    int count = epoll_wait(poller, found, 256, -1);
    for (int index = 0; index < count; index++) {
      void *mark = found[index].data.ptr;
      if (mark == &listener) accept_all(listener);
      else if (mark == &stdin_fd) return 0;
      else if (mark != &timer) receive(mark);
    }
    /* Last, so that a stream whose connection was dropped above is not written to. */
    send_due();
    arm();
  }
}
