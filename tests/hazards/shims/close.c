/* A close that closes, says that it was interrupted, and does not let anybody close twice. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int close(int fd) {
    if (syscall(SYS_close, fd) != 0) {
        abort();
    }
    errno = EINTR;
    return -1;
}
