/*
 * The libuv peer: its echo at its best, with one shared read buffer, and `uv_try_write` before
 * `uv_write`.
 *
 *     libuv PORT        (0 lets the kernel choose; the real one is printed)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { CHUNK = 64 * 1024 };

/* At the begin of a page, where some processors copy several times faster than just behind it. */
static _Alignas(4096) char chunk[CHUNK];

/* A write that the socket did not take at once, with the bytes behind it. */
struct rest {
    uv_write_t request;
    char bytes[];
};

static void require(int status, const char *what) {
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
        exit(1);
    }
}

static void gone(uv_handle_t *handle) {
    free(handle);
}

static void stop(uv_handle_t *handle) {
    if (!uv_is_closing(handle))
        uv_close(handle, gone);
}

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(chunk, CHUNK);
}

static void received(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer);

/* Reading waits while something is owed, as a program with back-pressure has it. */
static void written(uv_write_t *request, int status) {
    if (status < 0)
        stop((uv_handle_t *)request->handle);
    else
        uv_read_start(request->handle, lend, received);
    free(request);
}

static void received(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer) {
    if (length < 0) {
        stop((uv_handle_t *)stream);
        return;
    }
    uv_buf_t whole = uv_buf_init(buffer->base, (unsigned)length);
    int sent = length > 0 ? uv_try_write(stream, &whole, 1) : 0;
    if (sent == length)
        return;
    if (sent < 0 && sent != UV_EAGAIN) {
        stop((uv_handle_t *)stream);
        return;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    size_t left = (size_t)length - done;
    struct rest *rest = malloc(sizeof *rest + left);
    memcpy(rest->bytes, buffer->base + done, left);
    uv_buf_t owed = uv_buf_init(rest->bytes, (unsigned)left);
    uv_read_stop(stream);
    require(uv_write(&rest->request, stream, &owed, 1, written), "uv_write");
}

static void connected(uv_stream_t *server, int status) {
    require(status, "connection");
    uv_tcp_t *stream = malloc(sizeof *stream);
    uv_tcp_init(server->loop, stream);
    if (uv_accept(server, (uv_stream_t *)stream) < 0) {
        stop((uv_handle_t *)stream);
        return;
    }
    uv_tcp_nodelay(stream, 1);
    uv_read_start((uv_stream_t *)stream, lend, received);
}

int main(int count, char **arguments) {
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;
    struct sockaddr_in address;
    int length = sizeof address;

    /* libuv writes with write(2), so a peer that is gone would raise it. */
    signal(SIGPIPE, SIG_IGN);
    uv_ip4_addr("127.0.0.1", count > 1 ? atoi(arguments[1]) : 0, &address);
    uv_tcp_init(loop, &server);
    require(uv_tcp_bind(&server, (struct sockaddr *)&address, 0), "bind");
    require(uv_listen((uv_stream_t *)&server, 511, connected), "listen");
    uv_tcp_getsockname(&server, (struct sockaddr *)&address, &length);
    printf("listening on %d..\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
