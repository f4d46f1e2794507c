/* Preloaded into a process: a clock that was stepped. It covers what asks the C library for the time of day or for the
 * times of a file; it leaves the monotonic clocks alone, as a real step does. The file that FAULTS_CLOCK names is an
 * array of steps: (moment of the true clock, offset from then on), in nanoseconds, in the order in which they happened.
 * A file written before a step keeps the time that it showed then. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

#define STEPS 256
#define SECOND 1000000000LL

struct step { int64_t moment, offset; };

static const struct step *steps;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, STEPS * sizeof(struct step), PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) steps = mapped;
    close(file);
}

static void shift(struct timespec *time) {
    if (!steps) return;
    int64_t moment = time->tv_sec * SECOND + time->tv_nsec, offset = 0;
    for (int at = 0; at < STEPS && steps[at].moment && steps[at].moment <= moment; at++) offset = steps[at].offset;
    moment += offset;
    time->tv_sec = moment / SECOND;
    time->tv_nsec = moment % SECOND;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(time);
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

static int shifted(int result, struct stat *found) {
    if (!result) {
        shift(&found->st_mtim);
        shift(&found->st_ctim);
        shift(&found->st_atim);
    }
    return result;
}

#define STAT(name, parameters, arguments)                             \
    int name parameters {                                             \
        static int (*real) parameters;                                \
        if (!real) real = dlsym(RTLD_NEXT, #name);                    \
        return shifted(real arguments, (struct stat *)found);         \
    }

STAT(stat, (const char *restrict path, struct stat *restrict found), (path, found))
STAT(lstat, (const char *restrict path, struct stat *restrict found), (path, found))
STAT(fstat, (int file, struct stat *found), (file, found))
STAT(fstatat, (int folder, const char *restrict path, struct stat *restrict found, int flags),
     (folder, path, found, flags))
STAT(stat64, (const char *restrict path, struct stat64 *restrict found), (path, found))
STAT(lstat64, (const char *restrict path, struct stat64 *restrict found), (path, found))
STAT(fstat64, (int file, struct stat64 *found), (file, found))
STAT(fstatat64, (int folder, const char *restrict path, struct stat64 *restrict found, int flags),
     (folder, path, found, flags))
STAT(__xstat, (int version, const char *path, struct stat *found), (version, path, found))
STAT(__lxstat, (int version, const char *path, struct stat *found), (version, path, found))
STAT(__fxstat, (int version, int file, struct stat *found), (version, file, found))
STAT(__fxstatat, (int version, int folder, const char *path, struct stat *found, int flags),
     (version, folder, path, found, flags))
STAT(__xstat64, (int version, const char *path, struct stat64 *found), (version, path, found))
STAT(__lxstat64, (int version, const char *path, struct stat64 *found), (version, path, found))
STAT(__fxstat64, (int version, int file, struct stat64 *found), (version, file, found))
STAT(__fxstatat64, (int version, int folder, const char *path, struct stat64 *found, int flags),
     (version, folder, path, found, flags))
