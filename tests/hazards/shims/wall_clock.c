/* A wall clock that jumps an hour forwards and back each time it is read. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int reads;
    long result = syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME) {
        time->tv_sec += reads++ % 2 ? 3600 : -3600;
    }
    return (int)result;
}
