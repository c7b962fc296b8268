/* A disk that fails on command, and a clock that nobody keeps: preloaded into the agent by the browser tests.
 *
 * The control page is a file of 64 bytes that the test and the agent map:
 *
 *     int32 error      errno of every write, sync and change below TIDEWAITER_SHIM_DIR; 0: none
 *     int32 delay_ms   how long a sync takes; 0: as long as it does
 *     int32 unkept     1: adjtimex(2) says that nobody keeps the clock
 *     int32 refused    calls that were refused since the test set it to 0
 *
 * SQLite and the standard library of Rust come through these functions of libc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile int error, delay_ms, unkept, refused;
};
static struct control calm, *control = &calm;
static const char *folder = "";

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TIDEWAITER_SHIM"), *dir = getenv("TIDEWAITER_SHIM_DIR");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0 || !dir) return;
    void *page = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED) return;
    folder = dir;
    control = page;
}

static int below(const char *path) { return strncmp(path, folder, strlen(folder)) == 0; }

static int refused(void) {
    __sync_fetch_and_add(&control->refused, 1);
    errno = control->error;
    return 1;
}

static int fd_is_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int fails(int fd) { return control->error && fd_is_below(fd) && refused(); }
static int fails_at(const char *path) { return control->error && below(path) && refused(); }

static void wait_for_disk(int fd) {
    if (!control->delay_ms || !fd_is_below(fd)) return;
    struct timespec pause = {control->delay_ms / 1000, control->delay_ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *from, size_t length) {
    REAL(write);
    return fails(fd) ? -1 : real(fd, from, length);
}
ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
    REAL(pwrite);
    return fails(fd) ? -1 : real(fd, from, length, at);
}
ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at) {
    REAL(pwrite64);
    return fails(fd) ? -1 : real(fd, from, length, at);
}
int fsync(int fd) {
    REAL(fsync);
    wait_for_disk(fd);
    return fails(fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    wait_for_disk(fd);
    return fails(fd) ? -1 : real(fd);
}
int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    return fails(fd) ? -1 : real(fd, length);
}
int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    return fails(fd) ? -1 : real(fd, length);
}
int unlink(const char *path) {
    REAL(unlink);
    return fails_at(path) ? -1 : real(path);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return fails_at(to) ? -1 : real(from, to);
}

/* A file system that is read-only opens no file for writing; a disk that fails does. */
static int opens(const char *path, int flags) {
    return control->error == EROFS && (flags & O_ACCMODE) != O_RDONLY && below(path) && refused();
}
#define OPEN(name)                                         \
    int name(const char *path, int flags, ...) {           \
        REAL(name);                                        \
        va_list more;                                      \
        va_start(more, flags);                             \
        mode_t mode = va_arg(more, mode_t);                \
        va_end(more);                                      \
        return opens(path, flags) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int adjtimex(struct timex *told) {
    memset(told, 0, sizeof *told);
    told->tick = 10000;
    told->maxerror = 1500;
    if (!control->unkept) return TIME_OK;
    told->status = STA_UNSYNC;
    return TIME_ERROR;
}
