/* Preloaded into a server: a disk that lies, a disk that fails, a clock that jumps. Each only if its variable is set.

   SHIM_NO_SYNC=1         fsync and its like say that all is well, and do nothing
   SHIM_FAILURES=N        one in N reads, writes and syncs of regular files fails with EIO; SHIM_FAILURES_FROM=PATH says in which folder,
                          SHIM_FAILURES_WHILE=FILE says that they do so only while that file is there
   SHIM_CLOCK=FILE        the clock of the wall is ahead by the seconds that the first line of the file says */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t turn = 88172645463325252ull;

static int fails(int fd) {
  const char *one_in = getenv("SHIM_FAILURES");
  if (one_in == NULL) return 0;
  const char *folder = getenv("SHIM_FAILURES_FROM");
  const char *during = getenv("SHIM_FAILURES_WHILE");
  if (during != NULL && access(during, F_OK) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (folder != NULL && strncmp(path, folder, strlen(folder)) != 0) return 0;
  uint64_t x = atomic_fetch_add(&turn, 0x9E3779B97F4A7C15ull);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  if ((x ^ (x >> 31)) % strtoull(one_in, NULL, 10) != 0) return 0;
  errno = EIO;
  return 1;
}

static int lies(void) { return getenv("SHIM_NO_SYNC") != NULL; }

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

int fsync(int fd) { REAL(int, "fsync", int); if (fails(fd)) return -1; return lies() ? 0 : real(fd); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); if (fails(fd)) return -1; return lies() ? 0 : real(fd); }
int msync(void *at, size_t length, int flags) { REAL(int, "msync", void *, size_t, int); return lies() ? 0 : real(at, length, flags); }
int sync_file_range(int fd, off64_t at, off64_t count, unsigned flags) {
  REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned);
  return lies() ? 0 : real(fd, at, count, flags);
}

ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
  REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
  return fails(fd) ? -1 : real(fd, to, count, at);
}
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  return fails(fd) ? -1 : real(fd, from, count, at);
}
ssize_t pread(int fd, void *to, size_t count, off_t at) { return pread64(fd, to, count, at); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { return pwrite64(fd, from, count, at); }
int ftruncate64(int fd, off64_t length) { REAL(int, "ftruncate64", int, off64_t); return fails(fd) ? -1 : real(fd, length); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int clock_gettime(clockid_t clock, struct timespec *now) {
  /* Not through dlsym: this is called before there is one. */
  int done = (int)syscall(SYS_clock_gettime, clock, now);
  const char *file = getenv("SHIM_CLOCK");
  if (done == 0 && file != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int saved = errno;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      char text[32] = {0};
      if (syscall(SYS_read, fd, text, sizeof text - 1) > 0) now->tv_sec += (time_t)strtoll(text, NULL, 10);
      syscall(SYS_close, fd);
    }
    errno = saved;
  }
  return done;
}
