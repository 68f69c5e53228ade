/* A name server that takes its time, and knows one address. It answers for `waits.test` only
 * once `passes.test` was asked for; for `starved.test` it has no descriptor, and who asks for
 * `kills.test` ends. `error-9.test` fails with the error -9 of netdb.h, and `zoned.test` is
 * fe80::b on the device b0. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int passes;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    (void)service, (void)hints;
    if (strcmp(node, "starved.test") == 0) {
        errno = EMFILE;
        return EAI_SYSTEM;
    }
    if (strcmp(node, "kills.test") == 0) {
        abort();
    }
    if (strncmp(node, "error-", 6) == 0) {
        return atoi(node + 5);
    }
    if (strcmp(node, "zoned.test") == 0) {
        struct addrinfo *info = calloc(1, sizeof *info);
        struct sockaddr_in6 *address = calloc(1, sizeof *address);
        address->sin6_family = AF_INET6;
        inet_pton(AF_INET6, "fe80::b", &address->sin6_addr);
        address->sin6_scope_id = if_nametoindex("b0");
        info->ai_family = AF_INET6;
        info->ai_socktype = SOCK_STREAM;
        info->ai_addr = (struct sockaddr *)address;
        info->ai_addrlen = sizeof *address;
        *found = info;
        return 0;
    }
    if (strcmp(node, "passes.test") == 0) {
        passes = 1;
    } else if (strcmp(node, "waits.test") == 0) {
        for (int tries = 0; !passes && tries < 200000; tries++) {
            usleep(1000);
        }
    }
    struct addrinfo *info = calloc(1, sizeof *info);
    struct sockaddr_in *address = calloc(1, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    info->ai_family = AF_INET;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addr = (struct sockaddr *)address;
    info->ai_addrlen = sizeof *address;
    *found = info;
    return 0;
}

void freeaddrinfo(struct addrinfo *info) {
    free(info->ai_addr);
    free(info);
}
