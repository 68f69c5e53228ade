/*
 * The floor: a level-triggered epoll echo with nothing that is not needed, which every other server
 * is measured against. Not an example of good error handling: what cannot happen ends it.
 *
 *     floor PORT        (0 lets the kernel choose; the real one is printed)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 1 << 20, EVENTS = 1024, CHUNK = 64 * 1024 };

/* What one connection still owes: only there when the socket took less than was read. */
struct owed {
    char *bytes;
    size_t length;
};

static struct owed owed[DESCRIPTORS];
static struct epoll_event events[EVENTS];
/* At the begin of a page, where some processors copy several times faster than just behind it. */
static _Alignas(4096) char chunk[CHUNK];
static int epoll, listener;

static void require(int condition, const char *what) {
    if (!condition) {
        perror(what);
        exit(1);
    }
}

static void watch(int operation, int descriptor, unsigned interest) {
    struct epoll_event event = {.events = interest, .data.fd = descriptor};
    require(epoll_ctl(epoll, operation, descriptor, &event) == 0, "epoll_ctl");
}

static void forget(int connection) {
    free(owed[connection].bytes);
    owed[connection] = (struct owed){0};
    close(connection);
}

/* The slow path: keeps the rest and waits for room instead of for bytes. */
static void owe(int connection, const char *bytes, size_t length) {
    struct owed *debt = &owed[connection];
    char *kept = malloc(length);
    require(kept != NULL, "malloc");
    memcpy(kept, bytes, length);
    free(debt->bytes);
    *debt = (struct owed){kept, length};
}

static void flush(int connection) {
    struct owed *debt = &owed[connection];
    ssize_t sent = send(connection, debt->bytes, debt->length, MSG_NOSIGNAL);
    if (sent == (ssize_t)debt->length) {
        free(debt->bytes);
        *debt = (struct owed){0};
        watch(EPOLL_CTL_MOD, connection, EPOLLIN);
    } else if (sent >= 0) {
        debt->length -= (size_t)sent;
        memmove(debt->bytes, debt->bytes + sent, debt->length);
    } else {
        forget(connection);
    }
}

static void accept_one(void) {
    int on = 1;
    int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0)
        return;
    require(connection < DESCRIPTORS, "a descriptor beyond the table");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(EPOLL_CTL_ADD, connection, EPOLLIN);
}

static void listen_on(int port) {
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    require(bind(listener, (struct sockaddr *)&address, length) == 0, "bind");
    require(listen(listener, 511) == 0, "listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    printf("listening on %d..\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int count, char **arguments) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    listen_on(count > 1 ? atoi(arguments[1]) : 0);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int descriptor = events[i].data.fd;
            if (descriptor == listener) {
                accept_one();
            } else if (events[i].events & EPOLLOUT) {
                flush(descriptor);
            } else {
                ssize_t length = recv(descriptor, chunk, CHUNK, 0);
                if (length <= 0) {
                    forget(descriptor);
                    continue;
                }
                ssize_t sent = send(descriptor, chunk, (size_t)length, MSG_NOSIGNAL);
                if (sent == length)
                    continue;
                if (sent < 0)
                    sent = 0;
                owe(descriptor, chunk + sent, (size_t)(length - sent));
                watch(EPOLL_CTL_MOD, descriptor, EPOLLOUT);
            }
        }
    }
}
