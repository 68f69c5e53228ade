/* A clock that stands still while there is anything to do: Node's scripts are played with it, so
 * that what they print does not depend on who gets the processor when.
 *
 * It moves in a wait of the main thread that nothing ends: the wait is over at once, and the clock
 * shows that it lasted as long as was asked. Each look of the main thread at it takes a microsecond,
 * so that whoever works until a time comes there. A wait that another thread may still end, or a
 * process that was started, is a real one. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const long long SECOND = 1000000000;

/* How far the clocks have moved, and where each stood at first. */
static atomic_llong passed;
static long long first[CLOCK_BOOTTIME + 1];

static long long really(clockid_t clock) {
    struct timespec time;
    syscall(SYS_clock_gettime, clock, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
    first[CLOCK_REALTIME] = first[CLOCK_REALTIME_COARSE] = really(CLOCK_REALTIME);
    first[CLOCK_MONOTONIC] = first[CLOCK_MONOTONIC_COARSE] = really(CLOCK_MONOTONIC);
    first[CLOCK_MONOTONIC_RAW] = really(CLOCK_MONOTONIC_RAW);
    first[CLOCK_BOOTTIME] = really(CLOCK_BOOTTIME);
    /* Who is started by a script has the real clock. */
    unsetenv("LD_PRELOAD");
}

static int is_main_thread(void) { return syscall(SYS_gettid) == getpid(); }

static long long look(clockid_t clock) {
    return first[clock] + (is_main_thread() ? (passed += 1000) : passed);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock < 0 || clock > CLOCK_BOOTTIME || first[clock] == 0) {
        return (int)syscall(SYS_clock_gettime, clock, time);
    }
    long long now = look(clock);
    time->tv_sec = now / SECOND;
    time->tv_nsec = now % SECOND;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    long long now = look(CLOCK_REALTIME);
    time->tv_sec = now / SECOND;
    time->tv_usec = now % SECOND / 1000;
    return 0;
}

/* Whether a thread beside this one runs, or could if it got the processor. */
static int others_run(void) {
    DIR *threads = opendir("/proc/self/task");
    int run = threads == NULL;
    for (struct dirent *entry; !run && (entry = readdir(threads)) != NULL;) {
        int id = atoi(entry->d_name);
        if (id == 0 || id == getpid()) {
            continue;
        }
        char path[64], state = 'S';
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", id);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
                state = 'R';
            }
            fclose(file);
        }
        run = state != 'S';
    }
    if (threads != NULL) {
        closedir(threads);
    }
    return run;
}

static int has_children(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask) {
    long step = timeout;
    if (is_main_thread() && timeout > 0) {
        for (step = 0;; step = 1) {
            int idle = !others_run();
            int ready = (int)syscall(SYS_epoll_pwait, epoll, events, most, step, mask, 8);
            if (ready != 0) {
                return ready;
            }
            if (has_children()) {
                passed += 1000000 * step;
                timeout -= (int)step;
                if (timeout <= 0) {
                    return 0;
                }
            } else if (idle) {
                passed += 1000000LL * timeout;
                return 0;
            }
        }
    }
    return (int)syscall(SYS_epoll_pwait, epoll, events, most, step, mask, 8);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    return epoll_pwait(epoll, events, most, timeout, NULL);
}
